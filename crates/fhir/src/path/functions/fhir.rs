//! <https://hl7.org/fhir/R4/fhirpath.html#functions>

use std::mem::take;

use json::{Kind as Json, Value};

use super::super::environment::{Profiles, Terminology};
use super::super::error::Flaw;
use super::super::item::{Item, Items, Node};
use super::super::run::{Run, at_most_one};
use super::super::schema::Kind;
use super::{BOOLEAN, Call, Function, Gives};

pub(super) const TABLE: &[Function] = &[
    Function::new("extension", 1..=1, Gives::Any, extension),
    // Not of the specification, but one of R4's own search parameters calls it.
    Function::new("hasExtension", 1..=1, BOOLEAN, has_extension),
    Function::new("hasValue", 0..=0, BOOLEAN, has_value),
    Function::new("getValue", 0..=0, Gives::Any, get_value),
    Function::new("resolve", 0..=0, Gives::Any, resolve),
    Function::new("memberOf", 1..=1, BOOLEAN, member_of),
    Function::new("subsumes", 1..=1, BOOLEAN, |run, call, input, out| {
        subsumes(run, call, input, out, false)
    }),
    Function::new("subsumedBy", 1..=1, BOOLEAN, |run, call, input, out| {
        subsumes(run, call, input, out, true)
    }),
    Function::new("conformsTo", 1..=1, BOOLEAN, conforms_to),
    Function::new("checkModifiers", 0..=usize::MAX, Gives::Input, check_modifiers),
    Function::new("htmlChecks", 0..=0, BOOLEAN, html_checks),
    Function::new("htmlChecks2", 0..=0, BOOLEAN, html_checks),
    Function::new("elementDefinition", 0..=0, Gives::Any, element_definition),
    Function::new("slice", 2..=2, Gives::Input, slice),
];

fn extension<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let Some(url) = run.text_argument(call, 0)? else { return Ok(()) };
    let Some(type_id) = run.schema().type_named("Extension") else { return Ok(()) };
    let elements = input.iter().filter_map(|item| item.node()?.element());
    for extension in elements.filter_map(|element| element.get("extension")) {
        let named = extension.elements().filter(|e| e.get("url").is_some_and(|u| u.is_str(&url)));
        out.extend(named.map(|value| Item::Node(Node::new(value, type_id))));
    }
    Ok(())
}

fn has_extension<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let mut found = Items::new();
    extension(run, call, input, &mut found)?;
    out.push(Item::Boolean(!found.is_empty()));
    Ok(())
}

fn is_primitive(run: &Run<'_, '_>, item: &Item<'_>) -> bool {
    match item {
        Item::Node(node) => {
            !node.is_sibling && matches!(run.schema().kind(node.type_id), Kind::Primitive(_))
        }
        _ => true,
    }
}

fn has_value<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let has = matches!(input.as_slice(), [item] if is_primitive(run, item));
    out.push(Item::Boolean(has));
    Ok(())
}

fn get_value<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if let [item] = input.as_slice()
        && is_primitive(run, item)
    {
        out.extend(item.system(run.schema()));
    }
    Ok(())
}

fn resolve<'d>(
    run: &mut Run<'_, 'd>,
    _: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    for item in input.iter() {
        let text = match item {
            Item::Node(node) if node.value.kind() == Json::Object => {
                node.value.get("reference").and_then(Value::as_str)
            }
            other => other.to_text(run.schema()),
        };
        let Some(text) = text else { continue };
        let found = match text.strip_prefix('#') {
            Some(id) => contained(run, item, id),
            None => entry(run, &text).or_else(|| run.environment.resolve?.resolve(&text)),
        };
        out.extend(found.and_then(|v| Node::resource(v, run.schema())).map(Item::Node));
    }
    Ok(())
}

/// The resource that is contained in the one around an item, or that one itself.
fn contained<'d>(run: &Run<'_, 'd>, item: &Item<'d>, id: &str) -> Option<Value<'d>> {
    let root = run.root()?.node()?.value;
    let around = item.node().map(|node| node.value.span()).and_then(|span| {
        let resources = root.get("entry")?.elements().filter_map(|entry| entry.get("resource"));
        resources.into_iter().find(|r| r.span().start <= span.start && span.end <= r.span().end)
    });
    let container = around.unwrap_or(root);
    if id.is_empty() {
        return Some(container);
    }
    container.get("contained")?.elements().find(|r| r.get("id").is_some_and(|own| own.is_str(id)))
}

/// The resource of the root Bundle that a reference names by its fullUrl.
fn entry<'d>(run: &Run<'_, 'd>, reference: &str) -> Option<Value<'d>> {
    let root = run.root()?.node()?.value;
    root.get("entry")?.elements().find_map(|entry| {
        let url = entry.get("fullUrl")?.as_str()?;
        let front = url.strip_suffix(reference)?;
        (front.is_empty() || front.ends_with('/')).then(|| entry.get("resource"))?
    })
}

fn no_terminology(call: Call<'_>) -> Flaw {
    Flaw::execution(call.at, format!("{}() needs a terminology, and there is none", call.name))
}

fn member_of<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let Some(item) = at_most_one(call.at, call.name, take(input))? else { return Ok(()) };
    let Some(value_set) = run.text_argument(call, 0)? else { return Ok(()) };
    let terminology: &dyn Terminology =
        run.environment.terminology.ok_or_else(|| no_terminology(call))?;
    out.extend(terminology.member_of(&item, &value_set).map(Item::Boolean));
    Ok(())
}

fn subsumes<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
    is_reversed: bool,
) -> Result<(), Flaw> {
    let item = at_most_one(call.at, call.name, take(input))?;
    let other = run.argument(call, 0)?;
    let other = at_most_one(call.at, call.name, other)?;
    let (Some(item), Some(other)) = (item, other) else { return Ok(()) };
    let terminology: &dyn Terminology =
        run.environment.terminology.ok_or_else(|| no_terminology(call))?;
    let (upper, lower) = if is_reversed { (&other, &item) } else { (&item, &other) };
    out.extend(terminology.subsumes(upper, lower).map(Item::Boolean));
    Ok(())
}

fn profiles<'p, 'd>(run: &Run<'p, 'd>, call: Call<'_>) -> Result<&'p dyn Profiles<'d>, Flaw> {
    run.environment.profiles.ok_or_else(|| {
        Flaw::execution(call.at, format!("{}() needs profiles, and there are none", call.name))
    })
}

fn conforms_to<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let item = at_most_one(call.at, call.name, take(input))?;
    let profile = run.text_argument(call, 0)?;
    let (Some(Item::Node(node)), Some(profile)) = (item, profile) else { return Ok(()) };
    let name = profile.strip_prefix("http://hl7.org/fhir/StructureDefinition/");
    let base = name.and_then(|name| run.schema().type_named(name));
    let conforms = match (base, run.environment.profiles) {
        // That a resource is of another type needs no validation.
        (Some(base), _) if !run.schema().is_a(node.type_id, base) => Some(false),
        (_, Some(profiles)) => profiles.conforms_to(&node, &profile),
        (base, None) => base.map(|_| true),
    };
    let unknown = || Flaw::execution(call.at, format!("there is no profile {profile}"));
    out.push(Item::Boolean(conforms.ok_or_else(unknown)?));
    Ok(())
}

fn check_modifiers<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let mut known = Vec::with_capacity(call.args.len());
    for index in 0..call.args.len() {
        known.extend(run.text_argument(call, index)?);
    }
    for element in input.iter().filter_map(|item| item.node()?.element()) {
        let Some(modifiers) = element.get("modifierExtension") else { continue };
        for modifier in modifiers.elements() {
            let url = modifier.get("url").and_then(Value::as_str).unwrap_or_default();
            if !known.contains(&url) {
                let message = format!("the modifier extension {url} is not among the known ones");
                return Err(Flaw::execution(call.at, message));
            }
        }
    }
    out.append(input);
    Ok(())
}

fn html_checks<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    if let Some(Item::Node(node)) = at_most_one(call.at, call.name, take(input))? {
        out.push(Item::Boolean(profiles(run, call)?.html_checks(&node)));
    }
    Ok(())
}

fn element_definition<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let profiles = profiles(run, call)?;
    let Some(type_id) = run.schema().type_named("ElementDefinition") else { return Ok(()) };
    let definitions = input.iter().filter_map(|item| profiles.element_definition(item.node()?));
    out.extend(definitions.map(|value| Item::Node(Node::new(value, type_id))));
    Ok(())
}

fn slice<'d>(
    run: &mut Run<'_, 'd>,
    call: Call<'_>,
    input: &mut Items<'d>,
    out: &mut Items<'d>,
) -> Result<(), Flaw> {
    let profile = run.text_argument(call, 0)?;
    let name = run.text_argument(call, 1)?;
    let (Some(profile), Some(name)) = (profile, name) else { return Ok(()) };
    let profiles = profiles(run, call)?;
    for item in input.drain(..) {
        let Some(node) = item.node() else { continue };
        match profiles.is_in_slice(node, &profile, &name) {
            Some(true) => out.push(item),
            Some(false) => {}
            None => {
                let message = format!("{profile} has no slice {name}");
                return Err(Flaw::execution(call.at, message));
            }
        }
    }
    Ok(())
}
