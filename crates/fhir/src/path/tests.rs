//! Tables of what texts of expressions mean, and of how they are refused.

use std::sync::Arc;

use base::limits::{FHIRPATH_BYTES, FHIRPATH_DEPTH, FHIRPATH_STEPS};
use json::{Document, Limits};
use proptest::prelude::*;

use super::*;
use crate::value::Moment;

/// What an expression without input gives, item by item, or its fault.
fn evaluate(text: &str, steps: usize) -> String {
    let schema = Arc::new(Schema::default());
    let found = compile(text, &schema, Options::default()).and_then(|program| {
        let now = Moment::parse_partial("2026-11-24T12:30:00.5+01:00")
            .unwrap_or_else(|_| unreachable!("it is well-formed"));
        let environment = Environment { steps, ..Environment::at(now) };
        program.evaluate_on(&environment, None)
    });
    match found {
        Ok(items) => {
            let texts = items.iter().map(|item| item.to_text(&schema).unwrap_or_default());
            texts.collect::<Vec<_>>().join(", ")
        }
        Err(error) => format!("{:?}: {error}", error.kind),
    }
}

fn check(text: &str, expected: &str) {
    assert_eq!(evaluate(text, FHIRPATH_STEPS), expected, "{text}");
}

#[test]
fn operators_bind_as_the_grammar_says() {
    check("1 + 2 * 3", "7");
    check("-2 * 3", "-6");
    check("1 + 2 = 3 and 4 > 3", "true");
    check("1 = 1 | 2", "false");
    check("(1 | 1 is Integer).count()", "2");
    check("true or false and false", "true");
    check("false implies true and false", "true");
    check("2 in 1 | 2", "true");
    check("'a' & 'b' + 'c'", "abc");
}

#[test]
fn literals_are_what_they_look_like() {
    check(r"'it\'s \u00e9\ud834\udd1e'", "it's é𝄞");
    check("1.50", "1.50");
    check("1.toString()", "1");
    check("@2015-02-04T14:34:28+10:00", "2015-02-04T14:34:28+10:00");
    check("@2015T", "2015");
    check("@T14:30", "14:30");
    check("4 days", "4 days");
    check("1 day", "1 day");
    check("4.0 'mg'", "4.0 'mg'");
    check("%`vs-x`", "http://hl7.org/fhir/ValueSet/x");
    check("%vs-x", "http://hl7.org/fhir/ValueSet/x");
    check("{}", "");
}

#[test]
fn faults_say_where_they_are_and_what_was_expected() {
    check("1 +", "Syntax: expected a term, found the end at line 1, column 4");
    check("a.\n b.", "Syntax: expected a term, found the end at line 2, column 4");
    check("(1", "Syntax: expected ')', found the end at line 1, column 3");
    check("f(1 2)", "Syntax: expected ',' or ')', found the number 2 at line 1, column 5");
    check("1 2", "Syntax: expected an operator or the end, found the number 2 at line 1, column 3");
    check("é", "Syntax: 'é' has no meaning in FHIRPath at line 1, column 1");
    check("'é' + #", "Syntax: '#' has no meaning in FHIRPath at line 1, column 7");
    check("'a", "Syntax: what begins with ' has no end at line 1, column 1");
    check("1 /* x", "Syntax: a comment has no end '*/' at line 1, column 3");
    check("@2019-02-29", "Syntax: February 2019 has 28 days at line 1, column 10");
    check("@T25", "Syntax: an hour is at most 23 at line 1, column 3");
    check(r"'\ud800'", "Syntax: expected four hexadecimal digits after \\u at line 1, column 8");
    check("a.$this", "Syntax: $this begins a term, it follows none at line 1, column 3");
    check("and", "Syntax: expected a term, found 'and' at line 1, column 1");
    check(
        "tostring()",
        "Semantic: there is no function tostring(); did you mean toString()? \
         at line 1, column 1",
    );
    check("nonsense()", "Semantic: there is no function nonsense() at line 1, column 1");
    check("1.first(2)", "Semantic: first() takes 0 arguments, not 1 at line 1, column 3");
    check("1 is Nonsense", "Semantic: there is no type Nonsense at line 1, column 3");
    check("%nonsense", "Execution: there is no variable %nonsense at line 1, column 1");
    check("(1|2) + 1", "Execution: + takes at most one item, not 2 at line 1, column 7");
    check("1 + 'a'", "Execution: '+' is not for Integer and String at line 1, column 3");
    check("1 < 'a'", "Execution: Integer and String have no order at line 1, column 3");
    check(
        "'a'.matches('(')",
        "Execution: not a pattern: regex parse error:\n    (\n    ^\nerror: \
         unclosed group at line 1, column 5",
    );
}

#[test]
fn a_program_is_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Program>();
    shared::<Items<'static>>();
}

#[test]
fn logic_has_three_values() {
    for (left, right, and, or, xor, implies) in [
        ("true", "true", "true", "true", "false", "true"),
        ("true", "false", "false", "true", "true", "false"),
        ("true", "{}", "", "true", "", ""),
        ("false", "true", "false", "true", "true", "true"),
        ("false", "false", "false", "false", "false", "true"),
        ("false", "{}", "false", "", "", "true"),
        ("{}", "true", "", "true", "", "true"),
        ("{}", "false", "false", "", "", ""),
        ("{}", "{}", "", "", "", ""),
    ] {
        check(&format!("{left} and {right}"), and);
        check(&format!("{left} or {right}"), or);
        check(&format!("{left} xor {right}"), xor);
        check(&format!("{left} implies {right}"), implies);
    }
}

#[test]
fn what_cannot_be_known_is_empty() {
    check("@2012 = @2012-04", "");
    check("@2012 = @2013-04", "false");
    check("@2012-04-15T15:00:00Z < @2012-04-15T16:00:00", "");
    check("@2012-04-15T15:00:00Z < @2012-04-17T16:00:00", "true");
    check("1 year = 1 'a'", "");
    check("1 year ~ 1 'a'", "true");
    check("12 months = 1 year", "true");
    check("1 'm' = 1 's'", "");
    check("1 / 0", "");
    check("9223372036854775807 + 1", "");
    check(
        "79228162514264337593543950335.0 * 10",
        "Semantic: a decimal has at most 28 digits at \
         line 1, column 1",
    );
    check("7922816251426433759354395033.5 * 1000", "");
}

#[test]
fn the_time_is_what_it_is_told_to_be() {
    check("now()", "2026-11-24T12:30:00.5+01:00");
    check("today()", "2026-11-24");
    check("timeOfDay()", "12:30:00.5");
}

#[test]
fn sorting_never_needs_a_total_order() {
    check("(3 | 1 | 2).sort()", "1, 2, 3");
    check("('b' | 'a').sort(-$this)", "b, a");
    check("(@2012 | @2012-04 | @2011-05 | @2013).sort()", "2011-05, 2012, 2012-04, 2013");
    check(
        "(1 | 'a').sort()",
        "Execution: the values to sort by have no order at line 1, \
         column 11",
    );
}

#[test]
fn aggregates_and_repeats_end() {
    check("(1|2|3).aggregate($this + $total, 0)", "6");
    check("1.repeat(iif($this < 5, $this + 1))", "2, 3, 4, 5");
    check("1.repeat(1)", "1");
    check("(1|2).select($index)", "0, 1");
    check("'a,b'.split(',').join('-')", "a-b");
}

#[test]
fn an_expression_has_at_most_so_many_bytes() {
    let padded = |length: usize| format!("1{}", " ".repeat(length - 1));
    check(&padded(FHIRPATH_BYTES), "1");
    check(
        &padded(FHIRPATH_BYTES + 1),
        "Limit: an expression has at most 65536 bytes at line 1, \
         column 1",
    );
}

#[test]
fn an_expression_nests_only_so_deep() {
    let nested = |depth: usize| format!("{}1{}", "(".repeat(depth - 1), ")".repeat(depth - 1));
    check(&nested(FHIRPATH_DEPTH), "1");
    assert!(evaluate(&nested(FHIRPATH_DEPTH + 1), FHIRPATH_STEPS).starts_with("Limit: "));
    let chained = |depth: usize| format!("1{}", " + 1".repeat(depth - 1));
    check(&chained(FHIRPATH_DEPTH), &FHIRPATH_DEPTH.to_string());
    assert!(evaluate(&chained(FHIRPATH_DEPTH + 1), FHIRPATH_STEPS).starts_with("Limit: "));
}

#[test]
fn an_evaluation_takes_only_so_many_steps() {
    // Three operations with an item each.
    assert_eq!(evaluate("1 + 2", 6), "3");
    let past = evaluate("1 + 2", 5);
    assert_eq!(past, "Limit: the evaluation takes more than 5 steps at line 1, column 3");
    let environment = Environment::at(
        Moment::parse_partial("2026").unwrap_or_else(|_| unreachable!("it is well-formed")),
    );
    assert_eq!(environment.steps, FHIRPATH_STEPS);
    let doubling = format!("'{}'{}", "x".repeat(1 << 10), ".select($this & $this)".repeat(60));
    assert!(evaluate(&doubling, FHIRPATH_STEPS).starts_with("Limit: "));
}

#[test]
fn a_pattern_is_only_so_large() {
    check("'aaaa'.matches('^a{4}$')", "true");
    let past = evaluate(r"'a'.matches('\\w{10000}')", FHIRPATH_STEPS);
    assert!(past.starts_with("Execution: not a pattern"), "{past}");
}

/// Pieces of which some expressions and many mistakes are made.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "Patient",
        "name",
        "given",
        "true",
        "{}",
        "1",
        "2.50",
        "'x'",
        "@2015-02",
        "@T10:30",
        "$this",
        "%resource",
        "4 days",
        "5 'mg'",
        "where(",
        "exists()",
        "iif(",
        "(",
        ")",
        "[",
        "]",
        ".",
        ",",
        " + ",
        " - ",
        "-",
        " | ",
        " and ",
        " or ",
        " implies ",
        " is ",
        " as ",
        " in ",
        " contains ",
        " = ",
        " !~ ",
        " < ",
        " div ",
        " & ",
        "`is`",
        "`a b`",
        "FHIR.code",
        "//x\n",
    ]);
    prop::collection::vec(piece, 1..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in ".{0,60}") {
        let _ = parse(&text);
    }

    #[test]
    fn what_is_printed_reads_the_same(text in pieces()) {
        if let Ok(ast) = parse(&text) {
            let printed = ast.to_string();
            prop_assert_eq!(parse(&printed), Ok(ast), "{}", printed);
        }
    }
}

/// What `text` gives on a Patient when it was compiled for one, and how many operations that takes.
fn check_union(text: &str, expected: usize, most: usize) {
    let document = Document::parse(
        r#"{"resourceType":"Patient","name":[{"text":"a"},{"text":"a"},{"text":"b"}],
        "birthDate":"2000-01-01"}"#,
        &Limits::default(),
    )
    .expect("JSON");
    let now = Moment::parse_instant("2026-11-24T12:00:00Z").expect("an instant");
    let schema = Schema::r4();
    for input in [None, Some("Patient"), Some("Resource")] {
        let options = Options { input, as_filters: true, strict: false };
        let program = compile(text, &schema, options).expect(text);
        let found = program.evaluate(&Environment::at(now), document.root()).expect(text);
        assert_eq!(found.len(), expected, "{text} for {input:?}");
        let is_short = program.ops.len() <= most;
        assert!(input != Some("Patient") || is_short, "{text}: {} operations", program.ops.len());
    }
}

#[test]
fn branches_of_a_union_for_other_types_are_left_out() {
    check_union("Observation.subject | Patient.birthDate", 1, 3);
    check_union("Group.name | Patient.name.text", 2, 3);
    check_union("Patient.name.text | Group.name", 2, 3);
    check_union("Group.name | Patient.name.text | Patient.birthDate | Device.owner", 3, 5);
    check_union("Group.name | Device.owner.where(resolve() is Patient)", 0, 1);
    check_union("(Observation.value as Quantity) | Patient.birthDate", 1, 3);
    check_union("Group.name.exists() | Patient.birthDate", 2, 5);
    check_union("DomainResource.name.text | name.text", 2, 3);
}
