//! <https://hl7.org/fhirpath/N1/>: `$fhirpath`, an expression evaluated on a resource. FHIR R4
//! defines no such operation; tools for FHIRPath call it by this name.

use std::sync::Arc;

use authority::DataAction;
use base::limits::FHIRPATH_ANSWER_BYTES;
use fhir::path::{Environment, Error, ErrorKind, Item, Kind, Node, Options, Schema};
use fhir::path::{compile, location};
use fhir::terminology::Terminologies;
use fhir::value::{Quantity, Unit};
use http::StatusCode;
use json::{Document, Kind as Json, Limits, Position, Value, Writer};

use super::Level;
use super::input::{Input, wrong};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Issue, Outcome};
use crate::fhir::refusal::General;
use crate::fhir::{read, resource, types, validation};

/// Everything that can go wrong, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// The resource that it was called on cannot be read.
    Stored(read::Refusal),
    /// 400: the expression is wrong, or asks what the resource cannot answer.
    Expression(Error),
    /// 413: the result is too long.
    TooLong,
}

impl<E: Into<General>> From<E> for Refusal {
    fn from(refusal: E) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::Stored(refusal) => refusal.into(),
            Refusal::Expression(error) => {
                let code = match error.kind {
                    ErrorKind::Syntax | ErrorKind::Semantic => "invalid",
                    ErrorKind::Execution => "processing",
                    ErrorKind::Limit => "too-costly",
                };
                let position = Position { line: error.line, column: error.column };
                let issue = Issue::error(code, format!("The expression: {error}."));
                Self::new(StatusCode::BAD_REQUEST, vec![issue.placed(position)])
            }
            Refusal::TooLong => Self::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-costly",
                format!(
                    "The result is longer than {FHIRPATH_ANSWER_BYTES} bytes. Ask for less of the \
                     resource."
                ),
            ),
        }
    }
}

/// `POST [base]/$fhirpath`, `[base]/[type]/$fhirpath`, `[base]/[type]/[id]/$fhirpath`: each item of
/// the result with its type, where it stands, and its value.
pub(crate) async fn fhirpath(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    input.only(&["expression", "resource"])?;
    let expression = input.required("expression")?.into_owned();
    let document = subject(cx, level, input)?;
    let now = validation::moment(cx.now)?;
    let terminologies = Terminologies::new(&*cx.service.registry()?);
    blocking::run(move || {
        let schema = Schema::r4();
        let root = document.as_ref().map(Document::root);
        let name = root.and_then(|root| root.get("resourceType")?.as_str());
        let options = Options { input: name.as_deref(), ..Options::default() };
        let program = compile(&expression, &schema, options).map_err(Refusal::Expression)?;
        let mut environment = Environment::at(now);
        environment.terminology = Some(&terminologies);
        let items = match root {
            Some(root) => program.evaluate(&environment, root),
            None => program.evaluate_on(&environment, None),
        };
        let items = items.map_err(Refusal::Expression)?;
        result(&items, root, &schema)
    })
    .await?
}

/// The resource that is asked about; None where an expression stands alone.
fn subject(cx: &Context<'_>, level: Level, input: &Input) -> Result<Option<Document>, Refusal> {
    let given = input.subject().map(own).transpose()?;
    match level {
        Level::System => Ok(given),
        Level::Type(number) => {
            let name = types::name(number);
            let fits = |document: &Document| {
                document.root().get("resourceType").is_some_and(|found| found.is_str(name))
            };
            let missing = || wrong("required", format!("Give the {name} that is asked about."));
            Ok(Some(given.filter(fits).ok_or_else(missing)?))
        }
        Level::Instance(_) if given.is_some() => {
            let text = "The resource is the one of the URL; leave the other out.";
            Err(wrong("invalid", text).into())
        }
        Level::Instance(key) => {
            let version = read::current(&cx.snapshot(), key).map_err(Refusal::Stored)?;
            Ok(Some(resource::whole(&version)?))
        }
    }
}

/// A resource as a document of its own.
fn own(resource: Value<'_>) -> Result<Document, General> {
    Document::parse(resource.raw().to_vec(), &Limits::default())
        .map_err(|_| General::bug("a resource that was read is not JSON"))
}

/// One parameter `result` per item.
fn result(
    items: &[Item<'_>],
    root: Option<Value<'_>>,
    schema: &Arc<Schema>,
) -> Result<Answer, Refusal> {
    let length = |item: &Item<'_>| item.node().map_or(128, |node| node.value.raw().len() + 128);
    if items.iter().map(length).sum::<usize>() > FHIRPATH_ANSWER_BYTES {
        return Err(Refusal::TooLong);
    }
    let mut out = Vec::with_capacity(512);
    let writer = &mut Writer::new(&mut out);
    writer.begin_object().key("resourceType").string("Parameters");
    if !items.is_empty() {
        writer.key("parameter").begin_array();
    }
    for item in items {
        writer.begin_object().key("name").string("result").key("part").begin_array();
        let (namespace, name) = item.type_name(schema);
        part(writer, "type", |writer| {
            writer.key("valueString").string(&format!("{namespace}.{name}"));
        });
        let place = item.node().zip(root).and_then(|(node, root)| location(root, node.value));
        if let Some(place) = place {
            part(writer, "location", |writer| {
                writer.key("valueString").string(&place);
            });
        }
        value(writer, item, schema);
        writer.end_array().end_object();
    }
    if !items.is_empty() {
        writer.end_array();
    }
    writer.end_object();
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, out))
}

fn part(writer: &mut Writer<'_>, name: &str, value: impl FnOnce(&mut Writer<'_>)) {
    writer.begin_object().key("name").string(name);
    value(writer);
    writer.end_object();
}

fn value(writer: &mut Writer<'_>, item: &Item<'_>, schema: &Schema) {
    let text = item.to_text(schema).unwrap_or_default();
    let (key, is_number) = match item {
        Item::Node(node) => return of_node(writer, node, schema),
        Item::Quantity(quantity) => {
            return part(writer, "value", |writer| of_quantity(writer, quantity));
        }
        Item::Boolean(_) => ("valueBoolean", true),
        Item::Integer(number) if i32::try_from(*number).is_ok() => ("valueInteger", true),
        Item::Integer(_) | Item::Decimal(_) => ("valueDecimal", true),
        Item::Date(_) => ("valueDate", false),
        Item::DateTime(_) => ("valueDateTime", false),
        Item::Time(_) => ("valueTime", false),
        Item::String(_) | Item::Type(_) => ("valueString", false),
    };
    part(writer, "value", |writer| {
        writer.key(key);
        if is_number {
            writer.raw(text.as_bytes())
        } else {
            writer.string(&text)
        };
    });
}

/// An element as the `value[x]` of its type; one that no parameter can hold as its JSON.
fn of_node(writer: &mut Writer<'_>, node: &Node<'_>, schema: &Schema) {
    let value = node.value;
    if matches!(schema.kind(node.type_id), Kind::Resource | Kind::AbstractResource) {
        return part(writer, "value", |writer| {
            writer.key("resource").raw(value.raw());
        });
    }
    let holder = schema.type_named("Parameters.parameter");
    let element = holder.and_then(|holder| schema.element(holder, "value"));
    let forms = element.map_or(&[][..], |element| schema.forms(element));
    match forms.iter().find(|form| form.type_id == node.type_id) {
        Some(form) => part(writer, "value", |writer| {
            let is_primitive = matches!(schema.kind(node.type_id), Kind::Primitive(_));
            // A primitive with nothing but extensions.
            let sibling = if is_primitive && value.kind() == Json::Object { "_" } else { "" };
            writer.key(&format!("{sibling}{}", form.key)).raw(value.raw());
        }),
        None => part(writer, "json", |writer| {
            writer.key("valueString").string(value.raw_str());
        }),
    }
}

fn of_quantity(writer: &mut Writer<'_>, quantity: &Quantity) {
    writer.key("valueQuantity").begin_object();
    writer.key("value").number_text(&quantity.value.to_string());
    match &quantity.unit {
        Unit::Calendar(unit) => {
            writer.key("unit").string(unit.word());
        }
        Unit::Ucum(code) => {
            writer.key("unit").string(code);
            writer.key("system").string("http://unitsofmeasure.org").key("code").string(code);
        }
    }
    writer.end_object();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_at_most_so_many_bytes() {
        let schema = Schema::r4();
        // What stands on no tape counts as 128 bytes.
        let mut items = vec![Item::Boolean(true); FHIRPATH_ANSWER_BYTES / 128];
        assert!(result(&items, None, &schema).is_ok());
        items.push(Item::Boolean(true));
        assert!(matches!(result(&items, None, &schema), Err(Refusal::TooLong)));
    }
}
