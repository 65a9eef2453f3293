//! Search values the slow way: every expression evaluated by itself, its items read by name.
//!
//! It shares nothing with `fhir::search` but the values' own types and how they are printed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use fhir::Definitions;
use fhir::definitions::{SearchKind, SearchParameter};
use fhir::path::{Environment, Item, Options, Program, Resolve, Schema, compile};
use fhir::search::{Bounds, Interval, Position, Quantity, Reference, Setting, Token, Uri, Value};
use fhir::value::{Moment, Zone, decimal};
use json::{Document, Limits};

/// The values of each parameter of a resource, by the parameter's code.
pub(crate) type Table = BTreeMap<String, BTreeSet<String>>;

/// Programs by their text.
#[derive(Default)]
pub(crate) struct Oracle(HashMap<String, Program>);

impl Oracle {
    /// The values of one parameter.
    pub(crate) fn values(
        &mut self,
        parameter: SearchParameter<'_>,
        resource: json::Value<'_>,
        setting: &Setting,
    ) -> BTreeSet<String> {
        let expression = parameter.expression().expect("an expression");
        let mut environment = Environment::at(setting.now);
        environment.resource = Some(resource);
        environment.resolve = Some(&Stubs);
        let program = self.program(expression);
        let items = program.evaluate(&environment, resource).expect("R4's own evaluate");
        let mut out = BTreeSet::new();
        for item in items {
            if parameter.kind() == SearchKind::Composite {
                out.extend(self.composite(parameter, &environment, &item));
            } else {
                let mut values = Vec::new();
                convert(parameter.kind(), &item, &mut values);
                out.extend(values.iter().map(ToString::to_string));
            }
        }
        out
    }

    fn program(&mut self, expression: &str) -> &Program {
        self.0.entry(expression.to_owned()).or_insert_with(|| {
            // R4 names a System type where it means the primitive.
            let text = expression.replace("(DateTime)", "(dateTime)");
            let options = Options { as_filters: true, ..Options::default() };
            compile(&text, &Schema::r4(), options).expect("R4's own compile")
        })
    }

    fn composite<'d>(
        &mut self,
        parameter: SearchParameter<'_>,
        environment: &Environment<'_, 'd>,
        item: &Item<'d>,
    ) -> Option<String> {
        let kinds = parameter.components().map(|(url, _)| {
            Definitions::r4().search_parameters().by_url(url).expect("known").kind()
        });
        let mut expressions: Vec<&str> =
            parameter.components().map(|(_, expression)| expression).collect();
        if parameter.url().ends_with("/DocumentReference-relationship") {
            expressions.reverse();
        }
        let mut components = Vec::new();
        for (kind, expression) in kinds.zip(expressions) {
            let program = self.program(expression);
            let items = program.evaluate_on(environment, Some(item.clone())).expect("evaluates");
            let mut values = Vec::new();
            items.iter().for_each(|item| convert(kind, item, &mut values));
            if values.is_empty() {
                return None;
            }
            components.push(values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        }
        Some(format!("{{ {} }}", components.join(" & ")))
    }
}

/// Resources of which nothing is known but the type that a reference names.
struct Stubs;

impl<'d> Resolve<'d> for Stubs {
    fn resolve(&self, reference: &str) -> Option<json::Value<'d>> {
        static STUBS: LazyLock<BTreeMap<String, Document>> = LazyLock::new(|| {
            let types = Definitions::r4().types().map(|ty| ty.name().to_owned());
            types
                .map(|name| (name.clone(), parse(&format!(r#"{{"resourceType":"{name}"}}"#))))
                .collect()
        });
        let reference = reference.split("/_history/").next()?;
        let path = reference.split('?').next()?;
        let mut parts = path.rsplit('/');
        let last = parts.next()?;
        let name = if reference.contains('?') { last } else { parts.next()? };
        STUBS.get(name).map(Document::root)
    }
}

pub(crate) fn parse(text: &str) -> Document {
    Document::parse(text.as_bytes().to_vec(), &Limits::default()).expect("JSON")
}

type Text<'d> = Option<Cow<'d, str>>;

fn text<'d>(value: json::Value<'d>, key: &str) -> Text<'d> {
    value.get(key)?.as_str()
}

fn number<'d>(value: json::Value<'d>, key: &str) -> Text<'d> {
    value.get(key)?.as_number().map(Cow::Borrowed)
}

fn list<'d>(value: json::Value<'d>, key: &str) -> Vec<json::Value<'d>> {
    match value.get(key) {
        Some(value) if value.kind() == json::Kind::Array => value.elements().collect(),
        other => other.into_iter().collect(),
    }
}

fn token<'d>(system: Text<'d>, code: Text<'d>, text: Text<'d>) -> Value<'d> {
    Value::Token(Token { system, code, text, types: Box::default() })
}

fn convert<'d>(kind: SearchKind, item: &Item<'d>, out: &mut Vec<Value<'d>>) {
    let schema = Schema::r4();
    let (space, name) = item.type_name(&schema);
    let Some(node) = item.node() else {
        assert_eq!((space, kind), ("System", SearchKind::Token), "R4 computes tokens only");
        return out.push(token(None, item.to_text(&schema), None));
    };
    let value = node.value;
    if name == "Extension" {
        for member in value.members().filter(|member| member.key().starts_with("value")) {
            let key = member.key();
            let small = key.trim_start_matches("value");
            let first = small.get(..1).expect("a type").to_lowercase();
            let small = format!("{first}{}", small.get(1..).expect("a type"));
            let ty =
                schema.type_named(&small).or(schema.type_named(key.trim_start_matches("value")));
            let node = fhir::path::Node::new(member.value(), ty.expect("a type"));
            convert(kind, &Item::Node(node), out);
        }
        return;
    }
    // A primitive that has only extensions.
    if value.kind() == json::Kind::Object && name.starts_with(char::is_lowercase) {
        return;
    }
    match kind {
        SearchKind::Token => tokens(name, value, item, &schema, out),
        SearchKind::String => strings(name, value, out),
        SearchKind::Date => out.extend(interval(name, value).map(Value::Date)),
        SearchKind::Number => {
            let text = value.as_number().map(Cow::Borrowed);
            let bounds = text.map(|text| Bounds { low: Some(text.clone()), high: Some(text) });
            let range = || quantity(name, value).map(|quantity| quantity.value);
            out.extend(bounds.or_else(range).map(Value::Number));
        }
        SearchKind::Quantity => out.extend(quantity(name, value).map(Value::Quantity)),
        SearchKind::Uri => {
            let text = value.as_str().expect("a uri is text");
            let cut = text.split_once('|').filter(|_| name == "canonical");
            let (url, version) = match cut {
                Some((url, version)) => (url.to_owned(), Some(version.to_owned().into())),
                None => (text.into_owned(), None),
            };
            out.push(Value::Uri(Uri { url: url.into(), version }));
        }
        SearchKind::Reference => out.extend(reference(name, value).map(Value::Reference)),
        SearchKind::Special => {
            let degrees = |key| value.get(key).and_then(json::Value::as_number).expect("degrees");
            let (latitude, longitude) = (degrees("latitude"), degrees("longitude"));
            out.push(Value::Position(Position { latitude, longitude }));
        }
        SearchKind::Composite | SearchKind::Resource => {}
    }
}

fn tokens<'d>(
    name: &str,
    value: json::Value<'d>,
    item: &Item<'d>,
    schema: &Schema,
    out: &mut Vec<Value<'d>>,
) {
    match name {
        "Coding" => {
            out.push(token(text(value, "system"), text(value, "code"), text(value, "display")));
        }
        "CodeableConcept" => {
            for coding in list(value, "coding") {
                tokens("Coding", coding, item, schema, out);
            }
            if let words @ Some(_) = text(value, "text") {
                out.push(token(None, None, words));
            }
        }
        "Identifier" => {
            let kind = value.get("type");
            let types = kind.into_iter().flat_map(|kind| list(kind, "coding"));
            let types =
                types.map(|coding| (text(coding, "system"), text(coding, "code").expect("code")));
            let (system, code) = (text(value, "system"), text(value, "value"));
            if system.is_some() || code.is_some() {
                let text = kind.and_then(|kind| text(kind, "text"));
                out.push(Value::Token(Token { system, code, text, types: types.collect() }));
            }
        }
        "ContactPoint" => {
            let Some(code) = text(value, "value") else { return };
            let systems = ["use", "system"].map(|key| text(value, key));
            let systems: Vec<_> = systems.into_iter().flatten().collect();
            if systems.is_empty() {
                out.push(token(None, Some(code.clone()), None));
            }
            out.extend(
                systems.into_iter().map(|system| token(Some(system), Some(code.clone()), None)),
            );
        }
        _ if name.starts_with(char::is_lowercase) => {
            out.push(token(None, item.to_text(schema), None));
        }
        _ => {}
    }
}

fn strings<'d>(name: &str, value: json::Value<'d>, out: &mut Vec<Value<'d>>) {
    let keys: &[&str] = match name {
        "HumanName" => &["family", "given", "prefix", "suffix", "text"],
        "Address" => &["text", "line", "city", "district", "state", "country", "postalCode"],
        "Annotation" | "CodeableConcept" => &["text"],
        "Coding" => &["display"],
        "ContactPoint" => &["value"],
        _ => &[],
    };
    if name.starts_with(char::is_lowercase) {
        out.extend(value.as_str().map(Value::String));
    }
    for key in keys {
        out.extend(list(value, key).into_iter().filter_map(json::Value::as_str).map(Value::String));
    }
    if name == "CodeableConcept" {
        list(value, "coding").into_iter().for_each(|coding| strings("Coding", coding, out));
    }
}

fn interval(name: &str, value: json::Value<'_>) -> Option<Interval> {
    let moment = |value: json::Value<'_>| {
        let text = value.as_str().expect("a moment is text");
        let (low, high) =
            Moment::parse_partial(&text).expect("R4's own moments").interval(Zone::UTC);
        Interval { low, high }
    };
    match name {
        "date" | "dateTime" | "instant" => Some(moment(value)),
        "Period" => {
            let sides = ["start", "end"].map(|key| value.get(key).map(moment));
            match sides {
                [None, None] => None,
                [start, end] => Some(Interval {
                    low: start.map_or(i64::MIN, |start| start.low),
                    high: end.map_or(i64::MAX, |end| end.high),
                }),
            }
        }
        "Timing" => {
            let mut all: Vec<Interval> = list(value, "event").into_iter().map(moment).collect();
            let bounds = value.get("repeat").and_then(|repeat| repeat.get("boundsPeriod"));
            all.extend(bounds.and_then(|bounds| interval("Period", bounds)));
            let low = all.iter().map(|one| one.low).min()?;
            Some(Interval { low, high: all.iter().map(|one| one.high).max()? })
        }
        _ => None,
    }
}

fn quantity<'d>(name: &str, value: json::Value<'d>) -> Option<Quantity<'d>> {
    let simple = |low, high| Quantity {
        value: Bounds { low, high },
        comparator: None,
        system: None,
        code: None,
        unit: None,
    };
    match name {
        "Quantity" | "Age" | "Duration" | "Distance" | "Count" | "SimpleQuantity"
        | "MoneyQuantity" => {
            let number = number(value, "value")?;
            let comparator = text(value, "comparator");
            let low = comparator.as_deref().is_none_or(|c| c.starts_with('>'));
            let high = comparator.as_deref().is_none_or(|c| c.starts_with('<'));
            let mut found = simple(low.then(|| number.clone()), high.then_some(number));
            found.comparator = comparator;
            found.system = text(value, "system");
            found.code = text(value, "code");
            found.unit = text(value, "unit");
            Some(found)
        }
        "Money" => {
            let number = number(value, "value")?;
            let mut found = simple(Some(number.clone()), Some(number));
            found.code = text(value, "currency");
            found.system = found.code.as_ref().map(|_| "urn:iso:std:iso:4217".into());
            Some(found)
        }
        "Range" => {
            let side = |key| value.get(key).and_then(|side| quantity("Quantity", side));
            let (low, high) = (side("low"), side("high"));
            let (from, to) = (
                low.as_ref().and_then(|low| low.value.low.clone()),
                high.as_ref().and_then(|high| high.value.high.clone()),
            );
            let mut found = low.or(high)?;
            found.value = Bounds { low: from, high: to };
            Some(found)
        }
        "SampledData" => {
            let origin = value.get("origin").expect("an origin");
            let start = decimal(&number(origin, "value")?)?;
            let factor = number(value, "factor").map_or(decimal("1"), |factor| decimal(&factor))?;
            let data = text(value, "data")?;
            let samples = data.split(' ').filter_map(decimal).map(|sample| sample * factor + start);
            let (low, high) = (samples.clone().min()?, samples.max()?);
            let words = |value: rust_decimal::Decimal| Some(value.normalize().to_string().into());
            let mut found = quantity("Quantity", origin)?;
            found.value = Bounds { low: words(low), high: words(high) };
            Some(found)
        }
        "decimal" | "integer" => value.as_number().map(|n| simple(Some(n.into()), Some(n.into()))),
        _ => None,
    }
}

fn reference<'d>(name: &str, value: json::Value<'d>) -> Option<Reference<'d>> {
    match name {
        "Reference" => {
            let identifier = value.get("identifier").map(|i| (text(i, "system"), text(i, "value")));
            let identifier = identifier.filter(|i| i.0.is_some() || i.1.is_some());
            let written = text(value, "reference");
            (written.is_some() || identifier.is_some()).then(|| Reference {
                text: written,
                type_name: text(value, "type"),
                identifier,
                is_canonical: false,
            })
        }
        "uri" | "url" | "oid" | "uuid" | "canonical" => {
            Some(Reference { text: value.as_str(), is_canonical: true, ..Reference::default() })
        }
        _ if value.get("resourceType").is_some() => {
            let id = text(value, "id")?;
            Some(Reference { text: Some(format!("{name}/{id}").into()), ..Reference::default() })
        }
        _ => None,
    }
}
