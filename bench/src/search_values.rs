//! Search values: all that a resource can be found by, and what indexes are made of.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use fhir::search::{Extractors, Setting, Value, fold};
use fhir::value::{Moment, Zone};

use crate::json_parse;

/// Each resource counts with its best round: others use the machine too.
const ROUNDS: usize = 7;

/// What the values of a resource take, in microseconds.
pub struct Times {
    /// The resource in the middle.
    pub median: f64,
    /// One resource of a hundred takes longer.
    pub p99: f64,
}

/// Extracts the values of Synthea resources that were parsed before, on one core.
pub fn measure(data: &Path) -> anyhow::Result<Times> {
    let now = Moment::parse_instant("2026-01-01T00:00:00Z").ok().context("a moment")?;
    let setting = Setting { zone: Zone::UTC, now };
    let mut documents = Vec::new();
    for text in json_parse::resources(&data.join(json_parse::ARCHIVE))? {
        documents.push(json::Document::parse(text, &json::Limits::default())?);
    }
    let mut times = vec![f64::INFINITY; documents.len()];
    for _ in 0..ROUNDS {
        for (document, best) in documents.iter().zip(&mut times) {
            *best = best.min(microseconds(document, &setting)?);
        }
    }
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times.get(times.len() * share / 100).copied().context("no resource");
    Ok(Times { median: at(50)?, p99: at(99)? })
}

#[expect(clippy::disallowed_methods, reason = "measures how long something took")]
fn microseconds(document: &json::Document, setting: &Setting) -> anyhow::Result<f64> {
    let start = Instant::now();
    let extractor = Extractors::r4().of_resource(document.root()).context("a resource")?;
    let values = extractor.extract(document.root(), setting);
    values.found.iter().for_each(|found| index(&found.value));
    black_box(&values);
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

/// Computes what an index holds of a value.
fn index(value: &Value<'_>) {
    match value {
        Value::String(text) => drop(black_box(fold(text))),
        Value::Number(bounds) => drop(black_box(bounds.keys())),
        Value::Quantity(quantity) => {
            drop(black_box((quantity.value.keys(), quantity.canonical())));
        }
        Value::Reference(reference) => {
            black_box(reference.target());
        }
        Value::Composite(components) => components.iter().flatten().for_each(index),
        Value::Token(_) | Value::Date(_) | Value::Uri(_) | Value::Position(_) => {}
    }
}
