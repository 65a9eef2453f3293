//! <https://hl7.org/fhir/R4/fhirpatch.html>: FHIRPath Patch.

use std::borrow::Cow;
use std::sync::Arc;

use base::limits::FHIRPATH_STEPS;
use json::{Document, Edits, Value};

use super::given::{self, Given};
use super::place::{self, Place};
use super::subject::{Subject, applied};
use super::{Error, Flaw};
use crate::path::{
    self, Environment, ErrorKind, Item, Kind, Node, Options, Program, Schema, compile,
};
use crate::value::Moment;

/// One operation, read and compiled.
struct Operation<'p> {
    action: Action<'p>,
    path: Program,
}

/// What is done at the path. A value is the part that gives it.
enum Action<'p> {
    Add { name: Cow<'p, str>, value: Value<'p> },
    Insert { index: usize, value: Value<'p> },
    Delete,
    Replace { value: Value<'p> },
    Move { source: usize, destination: usize },
}

/// What a patch is applied with.
#[derive(Clone)]
pub struct Setting {
    /// The types that paths are compiled for.
    pub schema: Arc<Schema>,
    /// What `now()` in a path is.
    pub now: Moment,
}

/// Applies the operations of a Parameters resource to a resource. Whether the result is a good
/// one is not looked at, but it has no empty objects or lists where there were none.
///
/// # Errors
/// The first operation that is wrong or cannot be applied, or a limit.
pub fn fhirpath_patch(
    document: &Document,
    parameters: Value<'_>,
    setting: &Setting,
) -> Result<Document, Error> {
    if !parameters.get("resourceType").is_some_and(|name| name.is_str("Parameters")) {
        let text = "A FHIRPath Patch is a Parameters resource with a parameter 'operation' for \
                    each change.";
        return Err(Flaw::malformed(text).whole());
    }
    let input = document.root().get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let all = parameters.get("parameter");
    let all: Vec<_> = all.into_iter().flat_map(Value::elements).collect();
    let mut subject = Subject::new(document, all.len())?;
    // All are read before the first is applied: a malformed one is that whatever the resource is.
    let mut operations = Vec::new();
    for (index, parameter) in all.iter().enumerate() {
        let operation = read(*parameter, &input, setting);
        operations.push(operation.map_err(|flaw| flaw.of(index, Some(parameter.position())))?);
    }
    // All paths of a patch together may take as many steps as one expression.
    let steps = FHIRPATH_STEPS / operations.len().max(1);
    for (index, operation) in operations.iter().enumerate() {
        let changed = change(subject.document(), operation, setting, steps);
        changed.and_then(|text| text.map_or(Ok(()), |text| subject.becomes(text))).map_err(
            |flaw| {
                let flaw =
                    flaw.prefixed(&format!("{} {}", operation.name(), operation.path.text()));
                flaw.of(index, all.get(index).map(|parameter| parameter.position()))
            },
        )?;
    }
    Ok(subject.into_document())
}

impl Operation<'_> {
    fn name(&self) -> &'static str {
        match self.action {
            Action::Add { .. } => "add",
            Action::Insert { .. } => "insert",
            Action::Delete => "delete",
            Action::Replace { .. } => "replace",
            Action::Move { .. } => "move",
        }
    }
}

/// The parts of one operation.
struct Parts<'p>(Vec<(Cow<'p, str>, Value<'p>)>);

impl<'p> Parts<'p> {
    fn of(parameter: Value<'p>) -> Result<Parts<'p>, Flaw> {
        let name = |value: Value<'p>| value.get("name").and_then(Value::as_str);
        match name(parameter) {
            Some(name) if name == "operation" => {}
            other => {
                let other = other.unwrap_or_default();
                let text = format!("every parameter is called 'operation', this one '{other}'");
                return Err(Flaw::malformed(text));
            }
        }
        let mut parts: Vec<(Cow<'p, str>, Value<'p>)> = Vec::new();
        for part in parameter.get("part").into_iter().flat_map(Value::elements) {
            let name = name(part).ok_or_else(|| Flaw::malformed("a part has no name"))?;
            if parts.iter().any(|(known, _)| *known == name) {
                return Err(Flaw::malformed(format!("the part '{name}' stands twice")));
            }
            parts.push((name, part));
        }
        Ok(Parts(parts))
    }

    fn take(&mut self, name: &str) -> Result<Value<'p>, Flaw> {
        let at = self.0.iter().position(|(known, _)| known == name);
        let missing = || Flaw::malformed(format!("the part '{name}' is missing"));
        at.map(|at| self.0.remove(at).1).ok_or_else(missing)
    }

    fn text(&mut self, name: &str) -> Result<Cow<'p, str>, Flaw> {
        let text = Given::of(self.take(name)?).and_then(|given| given.value?.as_str());
        text.ok_or_else(|| Flaw::malformed(format!("the part '{name}' is not a valueString")))
    }

    fn number(&mut self, name: &str) -> Result<usize, Flaw> {
        let given = Given::of(self.take(name)?);
        let number = given.and_then(|given| given.value?.as_number()?.parse().ok());
        let wrong = || format!("the part '{name}' is not a valueInteger of 0 or more");
        number.ok_or_else(|| Flaw::malformed(wrong()))
    }
}

fn read<'p>(parameter: Value<'p>, input: &str, setting: &Setting) -> Result<Operation<'p>, Flaw> {
    let mut parts = Parts::of(parameter)?;
    let kind = parts.text("type")?;
    let path = parts.text("path")?;
    let action = match kind.as_ref() {
        "add" => Action::Add { name: parts.text("name")?, value: parts.take("value")? },
        "insert" => Action::Insert { index: parts.number("index")?, value: parts.take("value")? },
        "delete" => Action::Delete,
        "replace" => Action::Replace { value: parts.take("value")? },
        "move" => Action::Move {
            source: parts.number("source")?,
            destination: parts.number("destination")?,
        },
        other => {
            let text = format!("'{other}' is not a type: add, insert, delete, replace, move");
            return Err(Flaw::malformed(text));
        }
    };
    if let Some((name, _)) = parts.0.first() {
        return Err(Flaw::malformed(format!("{kind} has no part '{name}'")));
    }
    // Strict: a path with a typing error must not pass as one that finds nothing.
    let options = Options { input: Some(input), strict: true, ..Options::default() };
    let path = compile(&path, &setting.schema, options)
        .map_err(|error| flaw(&error).prefixed(&format!("{kind} {path}")))?;
    Ok(Operation { action, path })
}

fn flaw(error: &path::Error) -> Flaw {
    let text = format!("the path is wrong: {error}");
    match error.kind {
        ErrorKind::Syntax | ErrorKind::Semantic => Flaw::malformed(text),
        ErrorKind::Execution => Flaw::inapplicable(text),
        ErrorKind::Limit => Flaw::too_costly(text),
    }
}

/// The text after an operation; None when it changes nothing.
fn change(
    document: &Document,
    operation: &Operation<'_>,
    setting: &Setting,
    steps: usize,
) -> Result<Option<Vec<u8>>, Flaw> {
    let root = document.root();
    let mut environment = Environment::at(setting.now);
    environment.steps = steps;
    let items = operation.path.evaluate(&environment, root).map_err(|error| flaw(&error))?;
    let mut nodes = Vec::new();
    for item in &items {
        let Item::Node(node) = item else {
            return Err(Flaw::inapplicable("the path computes a value; it must find an element"));
        };
        nodes.push(*node);
    }
    let mut edits = Edits::new(document);
    let schema: &Schema = &setting.schema;
    let target = Target { root, nodes, schema };
    match &operation.action {
        Action::Add { name, value } => target.add(name, *value, &mut edits)?,
        Action::Insert { index, value } => target.insert(*index, *value, &mut edits)?,
        Action::Delete => target.delete(&mut edits)?,
        Action::Replace { value } => target.replace(*value, &mut edits)?,
        Action::Move { source, destination } => {
            target.shift(*source, *destination, &mut edits)?;
        }
    }
    if edits.is_empty() { Ok(None) } else { applied(edits).map(Some) }
}

/// What a path found.
struct Target<'d, 's> {
    root: Value<'d>,
    nodes: Vec<Node<'d>>,
    schema: &'s Schema,
}

impl<'d> Target<'d, '_> {
    fn one(&self) -> Result<Node<'d>, Flaw> {
        match self.nodes.as_slice() {
            [node] => Ok(*node),
            [] => Err(Flaw::inapplicable("the path finds nothing in this resource")),
            many => Err(Flaw::inapplicable(format!(
                "the path finds {} elements, and one can be meant: add an index, [0] for the first",
                many.len()
            ))),
        }
    }

    fn place(&self, node: &Node<'d>) -> Result<Place<'d>, Flaw> {
        let inner = || Flaw::inapplicable("that is the resource itself, not an element of it");
        Place::of(self.root, node.value, self.schema).ok_or_else(inner)
    }

    /// The list that the path finds, by its first element.
    fn list(&self) -> Result<Place<'d>, Flaw> {
        let Some(first) = self.nodes.first() else {
            let text = "the path finds nothing in this resource; to begin a list use add";
            return Err(Flaw::inapplicable(text));
        };
        let first = self.place(first)?;
        for node in &self.nodes {
            if !self.place(node)?.is_beside(&first) {
                return Err(Flaw::inapplicable("the path does not find the elements of one list"));
            }
        }
        if first.length() != self.nodes.len() {
            let text = "the path finds only some elements of the list; it must find them all";
            return Err(Flaw::inapplicable(text));
        }
        Ok(first)
    }

    fn delete(&self, edits: &mut Edits<'_>) -> Result<(), Flaw> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        self.place(&self.one()?)?.delete(self.root, self.schema, edits);
        Ok(())
    }

    fn replace(&self, value: Value<'_>, edits: &mut Edits<'_>) -> Result<(), Flaw> {
        let place = self.place(&self.one()?)?;
        let piece = given::piece(value, place.element, self.schema)?;
        place.replace(&piece, edits);
        Ok(())
    }

    fn insert(&self, index: usize, value: Value<'_>, edits: &mut Edits<'_>) -> Result<(), Flaw> {
        let place = self.list()?;
        let length = place.length();
        if index > length {
            let text = format!("the list has {length} elements, there is no place {index} in it");
            return Err(Flaw::inapplicable(text));
        }
        let piece = given::piece(value, place.element, self.schema)?;
        place::insert(place.object, &piece, Some(index), edits);
        Ok(())
    }

    fn shift(&self, source: usize, destination: usize, edits: &mut Edits<'_>) -> Result<(), Flaw> {
        let place = self.list()?;
        let length = place.length();
        if source >= length || destination >= length {
            let text = format!(
                "the list has {length} elements, numbered from 0; {source} cannot move to \
                 {destination}"
            );
            return Err(Flaw::inapplicable(text));
        }
        place.shift(source, destination, edits);
        Ok(())
    }

    fn add(&self, name: &str, value: Value<'_>, edits: &mut Edits<'_>) -> Result<(), Flaw> {
        let node = self.one()?;
        let element = given::element_named(node.type_id, name, self.schema).ok_or_else(|| {
            let of = self.schema.type_name(node.type_id);
            Flaw::inapplicable(format!("{of} has no element '{name}' here"))
        })?;
        let piece = given::piece(value, element, self.schema)?;
        let is_primitive = matches!(self.schema.kind(node.type_id), Kind::Primitive(_));
        let object = if is_primitive { node.element() } else { Some(node.value) };
        if let Some(object) = object {
            return self.add_to(object, element, &piece, edits);
        }
        // The first id or extension of a primitive.
        let sibling = given::object_of(&[(element, vec![piece])], self.schema)?;
        self.place(&node)?.set_sibling(&sibling, edits);
        Ok(())
    }

    fn add_to(
        &self,
        object: Value<'_>,
        element: path::ElementId,
        piece: &place::Piece,
        edits: &mut Edits<'_>,
    ) -> Result<(), Flaw> {
        if self.schema.is_list(element) {
            place::insert(object, piece, None, edits);
            return Ok(());
        }
        let forms = self.schema.forms(element);
        let there = |key: &str| object.get(key).or_else(|| object.get(&place::sibling_key(key)));
        if let Some(form) = forms.iter().find(|form| there(&form.key).is_some()) {
            let text = format!("there is a {} already; use replace", form.key);
            return Err(Flaw::inapplicable(text));
        }
        place::set(object, piece, edits);
        Ok(())
    }
}
