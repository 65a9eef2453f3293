//! `firekeep fhirpath`: an expression over files, without a server.
//!
//! What is printed for an item is written once, in [`Found`]; a new form of output is an arm of
//! [`Output::write`].

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use base::{Clock, SystemClock};
use clap::{Args, ValueEnum};
use fhir::path::{Environment, Item, Options, Program, Schema, Trace, compile, location};
use fhir::value::{Moment, Precision, Zone};
use json::{Document, Kind, Limits, Position, Value, Writer};

use crate::output::{note, say};

/// Evaluate a FHIRPath expression over FHIR JSON files.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  firekeep fhirpath 'Patient.name.given' patient.json
  firekeep fhirpath \"Bundle.entry.resource.ofType(Patient).birthDate\" bundles/*.json
  curl -s -H \"Authorization: Bearer $token\" \"$FHIR_URL/Patient\" \\
    | firekeep fhirpath 'Bundle.entry.resource.id' - --output json

Each result is a line: file with line and column, location in the resource, type, value, with a tab
between them. What was computed has no place in a file: `-` stands for its location. now() and
today() are in UTC. What trace() names goes to standard error. A file that cannot be evaluated is
reported, the rest goes on, and the exit code is 1.")]
pub(crate) struct FhirpathArgs {
    /// The expression
    #[arg(value_name = "EXPR", allow_hyphen_values = true)]
    expression: String,
    /// Files with one resource each; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Format of what is printed
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each result
    Text,
    /// A JSON array
    Json,
}

pub(crate) fn run(args: &FhirpathArgs) -> Result<ExitCode> {
    let schema = Schema::r4();
    let program =
        compile(&args.expression, &schema, Options::default()).context("in the expression")?;
    let now = Moment::at(SystemClock.now().ticks(), Some(Zone::UTC), Precision::Fraction(3));
    let now = now.context("the machine's clock is past the year 9999")?;
    let (mut found, mut code) = (Vec::new(), ExitCode::SUCCESS);
    for file in &args.files {
        let results = read(file).and_then(|bytes| evaluate(&program, now, file, bytes));
        match results {
            Ok(results) if args.output == Output::Json => found.extend(results),
            Ok(results) => args.output.write(&results)?.lines().try_for_each(say)?,
            Err(error) => {
                note(&format!("error: {file}: {error:#}"));
                code = ExitCode::FAILURE;
            }
        }
    }
    if args.output == Output::Json {
        say(&args.output.write(&found)?)?;
    }
    Ok(code)
}

fn read(file: &str) -> Result<Vec<u8>> {
    if file != "-" {
        return std::fs::read(file).context("cannot be read");
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("cannot be read")?;
    Ok(bytes)
}

/// One item of a result, ready to be printed.
struct Found {
    file: String,
    /// Where it stands; nowhere when it was computed.
    place: Option<(Position, String)>,
    type_name: String,
    /// For people: the value of a primitive, JSON of anything else.
    text: String,
    /// For programs: JSON, with numbers as they were written.
    json: Vec<u8>,
}

fn evaluate(program: &Program, now: Moment, file: &str, bytes: Vec<u8>) -> Result<Vec<Found>> {
    if bytes.trim_ascii_start().starts_with(b"<") {
        bail!("this is XML, which comes with a later version; JSON works");
    }
    let document = Document::parse(bytes, &Limits::default())?;
    let trace = ToStandardError(program.schema());
    let environment = Environment { trace: Some(&trace), ..Environment::at(now) };
    let items = program.evaluate(&environment, document.root()).context("in the expression")?;
    let found = items.iter().map(|item| Found::of(item, program.schema(), file, document.root()));
    found.collect()
}

impl Found {
    fn of(item: &Item<'_>, schema: &Schema, file: &str, resource: Value<'_>) -> Result<Self> {
        let (namespace, name) = item.type_name(schema);
        let place = item
            .node()
            .and_then(|node| Some((node.value.position(), location(resource, node.value)?)));
        let json = as_json(item, schema)?;
        let is_object = item.node().is_some_and(|node| node.value.kind() == Kind::Object);
        let text = item.to_text(schema).filter(|_| !is_object);
        let text = text.map_or_else(|| String::from_utf8_lossy(&json).into_owned(), Into::into);
        let type_name = format!("{namespace}.{name}");
        Ok(Self { file: file.to_owned(), place, type_name, text, json })
    }

    fn line(&self) -> String {
        let Self { file, place, type_name, text, .. } = self;
        // A line stays a line, and a value cannot speak to the terminal.
        let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        match place {
            Some((Position { line, column }, location)) => {
                format!("{file}:{line}:{column}\t{location}\t{type_name}\t{text}\n")
            }
            None => format!("{file}\t-\t{type_name}\t{text}\n"),
        }
    }
}

/// A place's own text without white space between tokens; a computed value as JSON has it.
fn as_json(item: &Item<'_>, schema: &Schema) -> Result<Vec<u8>> {
    if let Some(node) = item.node() {
        let document = Document::parse(node.value.raw().to_vec(), &Limits::default())?;
        return Ok(json::compact(&document));
    }
    let text = item.to_text(schema).unwrap_or_default();
    let is_bare = matches!(item, Item::Boolean(_) | Item::Integer(_) | Item::Decimal(_));
    let mut json = Vec::new();
    if is_bare {
        json.extend_from_slice(text.as_bytes());
    } else {
        json::write_string(&mut json, &text);
    }
    Ok(json)
}

impl Output {
    fn write(self, found: &[Found]) -> Result<String> {
        if self == Self::Text {
            return Ok(found.iter().map(Found::line).collect());
        }
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out);
        writer.begin_array();
        for it in found {
            writer.begin_object().key("file").string(&it.file);
            if let Some((position, location)) = &it.place {
                writer.key("location").string(location);
                writer.key("line").integer(position.line);
                writer.key("column").integer(position.column);
            }
            writer.key("type").string(&it.type_name).key("value").raw(&it.json).end_object();
        }
        writer.end_array();
        let document = Document::parse(out, &Limits::default())?;
        Ok(String::from_utf8(json::pretty(&document))?)
    }
}

/// Hears `trace()`.
struct ToStandardError<'s>(&'s Schema);

impl Trace for ToStandardError<'_> {
    fn trace(&self, name: &str, items: &[Item<'_>]) {
        for item in items {
            let (namespace, type_name) = item.type_name(self.0);
            let text = item.to_text(self.0).unwrap_or_default();
            note(&format!("trace {name:?}: {namespace}.{type_name} {text:?}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = r#"{"resourceType": "Patient", "active": true,
  "name": [{"family": "A\tb", "given": ["Ada", "Bo"]}], "multipleBirthInteger": 2,
  "_birthDate": {"id": "x"}}"#;

    fn outcome(expression: &str, output: Output, text: &str) -> Result<String> {
        let program = compile(expression, &Schema::r4(), Options::default())?;
        let now = Moment::parse_partial("2026-11-24T12:00:00.000Z").unwrap();
        output.write(&evaluate(&program, now, "p", text.into())?)
    }

    #[track_caller]
    fn check(expression: &str, expected: &str) {
        let found = outcome(expression, Output::Text, PATIENT);
        let found = found.unwrap_or_else(|error| format!("{error:#}"));
        assert_eq!(found.replace('\t', "|"), expected, "{expression}");
    }

    #[test]
    fn a_result_is_a_line() {
        check("Patient.photo", "");
        check("name.given[1]", "p:2:48|Patient.name[0].given[1]|FHIR.string|Bo\n");
        check("name.family", "p:2:23|Patient.name[0].family|FHIR.string|A b\n");
        check("active", "p:1:39|Patient.active|FHIR.boolean|true\n");
        check("birthDate", "p:3:17|Patient.birthDate|FHIR.date|{\"id\":\"x\"}\n");
        let json = r#"{"family":"A\tb","given":["Ada","Bo"]}"#;
        check("name", &format!("p:2:12|Patient.name[0]|FHIR.HumanName|{json}\n"));
        check("name.given.count() + 1", "p|-|System.Integer|3\n");
        check("today()", "p|-|System.Date|2026-11-24\n");
        check("5 'mg'", "p|-|System.Quantity|5 'mg'\n");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        check("name.", "expected a term, found the end at line 1, column 6");
        check("name.foo()", "there is no function foo() at line 1, column 6");
        let many = "+ takes at most one item, not 2 at line 1, column 12";
        check("name.given + 'a'", &format!("in the expression: {many}"));
        let none = "memberOf() needs a terminology, and there is none at line 1, column 8";
        check("active.memberOf('x')", &format!("in the expression: {none}"));
        let xml = outcome("name", Output::Text, " <Patient/>").unwrap_err();
        assert!(xml.to_string().contains("XML"), "{xml}");
        let broken = outcome("name", Output::Text, "{").unwrap_err();
        assert!(broken.to_string().contains("line 1, column 2"), "{broken}");
        assert!(outcome("name", Output::Text, r#"{"resourceType":"X"}"#).is_err());
    }

    #[test]
    fn json_keeps_what_was_written() {
        let text = r#"{"resourceType":"Observation","valueQuantity":{"value": 1.50}}"#;
        let found = outcome("value.value | 'a' | true", Output::Json, text).unwrap();
        assert_eq!(
            found,
            r#"[
  {
    "file": "p",
    "location": "Observation.valueQuantity.value",
    "line": 1,
    "column": 57,
    "type": "FHIR.decimal",
    "value": 1.50
  },
  {
    "file": "p",
    "type": "System.String",
    "value": "a"
  },
  {
    "file": "p",
    "type": "System.Boolean",
    "value": true
  }
]"#
        );
        assert_eq!(outcome("photo", Output::Json, PATIENT).unwrap(), "[]");
    }
}
