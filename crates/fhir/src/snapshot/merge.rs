//! A differential laid over the elements of its base.

use json::{Document, Limits, Value};

use super::Snapshots;
use super::draft::Draft;

/// The snapshot: the elements of the base, changed and added to as the differential says. What
/// it says of elements that the base cannot have is left out.
pub(super) fn merge(
    snapshots: &mut Snapshots<'_>,
    base: &[Draft],
    differential: &[Draft],
) -> Vec<Draft> {
    let mut merge = Merge { snapshots, elements: base.to_vec() };
    // The elements of the differential that are open: path and id.
    let mut open: Vec<(String, String)> = Vec::new();
    for element in differential {
        while open.last().is_some_and(|(path, _)| !is_inside(&element.path, path)) {
            open.pop();
        }
        let (path, above) = open.last().map_or(("", ""), |(path, id)| (path, id));
        let rest = element.path.strip_prefix(path).unwrap_or(&element.path);
        let mut id = format!("{above}{rest}");
        let slice = element.text("sliceName").map(str::to_owned);
        if let Some(slice) = &slice {
            id = format!("{id}:{slice}");
        }
        let id = merge.normal(&id);
        open.push((element.path.clone(), id.clone()));
        if let Some(at) = merge.find_or_make(&id, 0) {
            merge.lay_over(at, element);
        }
    }
    merge.elements
}

fn is_inside(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// Whether an id is `of` or of something in it, slices included.
fn belongs(id: &str, of: &str) -> bool {
    id.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':', '/']))
}

struct Merge<'m, 'r> {
    snapshots: &'m mut Snapshots<'r>,
    elements: Vec<Draft>,
}

impl Merge<'_, '_> {
    fn find(&self, id: &str) -> Option<usize> {
        self.elements.iter().position(|element| element.id == id)
    }

    /// The id with `value[x]:valueQuantity` where the differential says `valueQuantity`.
    fn normal(&mut self, id: &str) -> String {
        let Some((above, name)) = id.rsplit_once('.') else { return id.to_owned() };
        let (name, slice) = name.split_once(':').map_or((name, None), |(n, s)| (n, Some(s)));
        if name.ends_with("[x]") || self.find_or_make(above, 0).is_none() {
            return id.to_owned();
        }
        if self.find(&format!("{above}.{name}")).is_none() {
            self.expand(above);
        }
        if self.find(&format!("{above}.{name}")).is_some() {
            return id.to_owned();
        }
        let choice = self.elements.iter().find_map(|element| {
            let stem = element.id.strip_prefix(above)?.strip_prefix('.')?.strip_suffix("[x]")?;
            let ty = name.strip_prefix(stem)?;
            let is_type = ty.starts_with(|first: char| first.is_ascii_uppercase());
            (is_type && !stem.contains(['.', ':'])).then(|| stem.to_owned())
        });
        match choice {
            Some(stem) => format!("{above}.{stem}[x]:{}", slice.unwrap_or(name)),
            None => id.to_owned(),
        }
    }

    /// The place of an element, which is made where the base has only what it is made from.
    fn find_or_make(&mut self, id: &str, depth: usize) -> Option<usize> {
        if let Some(at) = self.find(id) {
            return Some(at);
        }
        let (above, name) = id.rsplit_once('.')?;
        if depth > base::limits::JSON_DEPTH {
            return None;
        }
        self.find_or_make(above, depth + 1)?;
        match name.split_once(':') {
            None => {
                self.expand(above);
                self.find(id)
            }
            Some((element, slice)) => {
                let head = match slice.rsplit_once('/') {
                    Some((of, _)) => format!("{above}.{element}:{of}"),
                    None => format!("{above}.{element}"),
                };
                self.find_or_make(&head, depth + 1)?;
                self.slice(&head, id, slice)
            }
        }
    }

    /// Adds a slice beside its head, as the head is, after the slices that are there.
    fn slice(&mut self, head: &str, id: &str, name: &str) -> Option<usize> {
        let at = self.find(head)?;
        let inside = |element: &Draft| {
            element.id == head || element.id.strip_prefix(head).is_some_and(|r| r.starts_with('.'))
        };
        let mut copies: Vec<Draft> =
            self.elements.iter().filter(|element| inside(element)).cloned().collect();
        for copy in &mut copies {
            copy.id = format!("{id}{}", copy.id.get(head.len()..).unwrap_or_default());
        }
        let first = copies.first_mut()?;
        first.remove(|key| key == "slicing");
        first.set("sliceName", format!("\"{name}\""));
        first.set("min", "0".to_owned());
        let last = name.rsplit('/').next().unwrap_or(name);
        let head = self.elements.get_mut(at)?;
        if head.path.ends_with("[x]") {
            // Without the capital letter of the type there is nothing to take it from.
            let stem = head.path.rsplit('.').next()?.strip_suffix("[x]")?;
            if let Some(only) = last.strip_prefix(stem).and_then(|ty| only_type(head, ty)) {
                first.set("type", only);
            }
        }
        if head.get("slicing").is_none() {
            let by = if head.path.ends_with("[x]") { ("type", "$this") } else { ("value", "url") };
            if by.1 == "$this" || head.path.ends_with("xtension") {
                head.set("slicing", format!(
                    "{{\"discriminator\":[{{\"type\":\"{}\",\"path\":\"{}\"}}],\"ordered\":false,\
                     \"rules\":\"open\"}}",
                    by.0, by.1
                ));
            }
        }
        let head = head.id.clone();
        let end = self.elements.iter().rposition(|element| belongs(&element.id, &head))? + 1;
        self.elements.splice(end..end, copies);
        self.find(id)
    }

    /// Adds the elements of its type, or of the profile of it, below an element without any.
    fn expand(&mut self, id: &str) {
        let Some(at) = self.find(id) else { return };
        let next = self.elements.get(at + 1);
        let Some(element) = self.elements.get(at) else { return };
        if next.is_some_and(|next| next.id.strip_prefix(id).is_some_and(|r| r.starts_with('.'))) {
            return;
        }
        let path = element.path.clone();
        let (prefix, from) = match element.text("contentReference") {
            Some(reference) => {
                // To the type: what the profile says of the element is not said of this.
                let of = reference.rsplit('#').next().unwrap_or_default().to_owned();
                let ty = of.split('.').next().unwrap_or_default();
                let Some(elements) = self.snapshots.of_type(ty) else { return };
                (of, elements.to_vec())
            }
            None => {
                let Some(elements) = self.type_elements(at) else { return };
                let Some(root) = elements.first() else { return };
                (root.id.clone(), elements.to_vec())
            }
        };
        let Some(root) = from.iter().find(|element| element.id == prefix) else { return };
        let root_path = root.path.clone();
        let below = from.into_iter().filter_map(|mut element| {
            let rest = element.id.strip_prefix(&prefix)?;
            if !rest.starts_with('.') {
                return None;
            }
            element.id = format!("{id}{rest}");
            element.path = format!("{path}{}", element.path.strip_prefix(&root_path)?);
            Some(element)
        });
        let below: Vec<Draft> = below.collect();
        self.elements.splice(at + 1..at + 1, below);
    }

    /// The elements of the one profile or type that an element has; of `Element` where there are
    /// several types.
    fn type_elements(&mut self, at: usize) -> Option<super::Elements> {
        let json = self.elements.get(at)?.get("type")?.to_owned();
        let types = Document::parse(json.into_bytes(), &Limits::default()).ok()?;
        let mut codes = types.root().elements();
        let first = codes.next()?;
        let code = first.get("code").and_then(Value::as_str)?;
        if codes.next().is_some() {
            return self.snapshots.of_type("Element");
        }
        let mut profiles = first.get("profile").into_iter().flat_map(Value::elements);
        let profile = profiles.next().and_then(Value::as_str).filter(|_| profiles.next().is_none());
        let profile = profile.and_then(|url| self.snapshots.elements(&url));
        profile.or_else(|| self.snapshots.of_type(&code))
    }

    /// Changes an element as the differential says.
    fn lay_over(&mut self, at: usize, differential: &Draft) {
        let Some(element) = self.elements.get_mut(at) else { return };
        for (name, json) in &differential.members {
            match name.as_str() {
                "base" | "sliceName" => {}
                "constraint" | "extension" | "condition" => element.append(name, json),
                name => {
                    for prefix in ["fixed", "pattern", "minValue", "maxValue"] {
                        if name.starts_with(prefix) {
                            element.remove(|key| key.starts_with(prefix));
                        }
                    }
                    element.set(name, json.clone());
                }
            }
        }
    }
}

/// Of the types of a choice the one that a name such as `valueQuantity` ends with.
fn only_type(head: &Draft, name: &str) -> Option<String> {
    let types = Document::parse(head.get("type")?.as_bytes().to_vec(), &Limits::default()).ok()?;
    let fits = |ty: &Value<'_>| {
        ty.get("code").and_then(Value::as_str).is_some_and(|code| code.eq_ignore_ascii_case(name))
    };
    let found = types.root().elements().find(fits)?;
    Some(format!("[{}]", found.raw_str()))
}
