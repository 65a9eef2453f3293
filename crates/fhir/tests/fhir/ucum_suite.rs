//! UCUM's own functional tests, against the list of failures that are known and argued.

use std::collections::BTreeMap;

use fhir::ucum;
use fhir::value::decimal;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::archive::Archive;
use crate::suite_xml::{Element, read_element};

const SUITE: &str = "ucum/src/test/resources/UcumFunctionalTests.xml";

/// What is wrong with how a case went.
fn run(kind: &str, case: &Element) -> Result<(), String> {
    let text = |name: &str| case.attribute(name).unwrap_or_default();
    match kind {
        "validation" => {
            let valid = ucum::is_valid(text("unit"));
            if valid == (text("valid") == "true") { Ok(()) } else { Err(format!("{valid}")) }
        }
        "displayNameGeneration" => match ucum::display(text("unit")) {
            Some(display) if display == text("display") => Ok(()),
            other => Err(format!("{other:?}")),
        },
        "conversion" => {
            let value = number(text("value"))?;
            let found = ucum::convert(value, text("srcUnit"), text("dstUnit"));
            near(found, text("outcome"))
        }
        _ => {
            let combined = if kind == "division" {
                let unit = ucum::quotient(text("u1"), text("u2"));
                number(text("v1"))?.checked_div(number(text("v2"))?).zip(unit)
            } else {
                let unit = ucum::product(text("u1"), text("u2"));
                number(text("v1"))?.checked_mul(number(text("v2"))?).zip(unit)
            };
            let (value, unit) = combined.ok_or("no result")?;
            let wanted = if text("uRes").is_empty() { "1" } else { text("uRes") };
            near(ucum::convert(value, &unit, wanted), text("vRes"))
        }
    }
}

fn number(text: &str) -> Result<Decimal, String> {
    decimal(text).ok_or_else(|| format!("{text} is no decimal"))
}

/// Whether a value is the expected one in the digits that are expected.
fn near(found: Option<Decimal>, expected: &str) -> Result<(), String> {
    let found = found.ok_or("no conversion")?;
    let Some(wanted) = decimal(expected) else {
        // More digits after the point than a decimal has: the first ten count.
        let wanted: f64 = expected.parse().map_err(|_| format!("{expected} is no number"))?;
        let found = found.to_f64().ok_or("no number")?;
        let near = ((found - wanted) / wanted).abs() < 1e-9;
        return if near { Ok(()) } else { Err(format!("{found}, not {wanted}")) };
    };
    let unit = Decimal::new(1, wanted.scale());
    if (found - wanted).abs() <= unit { Ok(()) } else { Err(format!("{found}, not {wanted}")) }
}

/// The known failures: `kind/id: reason` on each line.
fn known() -> BTreeMap<&'static str, &'static str> {
    let text = include_str!("ucum_known_failures.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.filter_map(|line| line.split_once(": ")).collect()
}

#[test]
fn the_functional_tests_pass_but_for_what_is_argued() {
    let archive = Archive::open("suites/ucum.tar.zst");
    let suite = archive.get(SUITE).expect("the suite is in the archive").to_vec();
    let suite = read_element(&String::from_utf8(suite).expect("UTF-8")).expect("XML");
    let (mut known, mut wrong) = (known(), Vec::new());
    let (mut count, mut failed) = (0, 0);
    for kind in ["validation", "displayNameGeneration", "conversion", "multiplication", "division"]
    {
        for case in suite.children(kind).flat_map(|group| group.children("case")) {
            count += 1;
            let id = format!("{kind}/{}", case.attribute("id").unwrap_or_default());
            match (run(kind, case), known.remove(id.as_str())) {
                (Ok(()), None) => {}
                (Ok(()), Some(_)) => wrong.push(format!("{id}: passes, strike it off")),
                (Err(_), Some(_)) => failed += 1,
                (Err(error), None) => wrong.push(format!("{id}: {error} ({case:?})")),
            }
        }
    }
    wrong.extend(known.into_keys().map(|id| format!("{id}: no such case")));
    assert_eq!(count, 573);
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    let (cases, passed) = (count, count - failed);
    println!(
        "conformance: {{\"name\":\"ucum\",\"cases\":{cases},\"passed\":{passed},\
         \"knownFailures\":{failed}}}"
    );
}
