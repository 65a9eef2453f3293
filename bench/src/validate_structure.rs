//! The checks that every write makes, over the resources of Synthea as they stand on the tape.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use fhir::validate::{Issues, Place, Rules, structure};
use json::{Document, Limits, Value};

use crate::json_parse::resources;

/// The best round of each resource counts: others use the machine too.
const ROUNDS: usize = 9;

/// The median time per resource.
pub fn median(data: &Path) -> anyhow::Result<Duration> {
    let documents = resources(data)?
        .into_iter()
        .map(|text| Document::parse(text, &Limits::default()).context("a resource is JSON"));
    let documents = documents.collect::<anyhow::Result<Vec<_>>>()?;
    let mut best = vec![Duration::MAX; documents.len()];
    for _ in 0..ROUNDS {
        for (document, best) in documents.iter().zip(&mut best) {
            *best = time(document)?.min(*best);
        }
    }
    best.sort_unstable();
    best.get(best.len() / 2).copied().context("there are resources")
}

#[expect(clippy::disallowed_methods, reason = "measures how long something took")]
fn time(document: &Document) -> anyhow::Result<Duration> {
    let root = document.root();
    let name = root.get("resourceType").and_then(Value::as_str).unwrap_or_default();
    let start = Instant::now();
    let mut issues = Issues::new();
    structure(&Place { root: black_box(root), path: &name }, Rules::r4(), &mut issues);
    let took = start.elapsed();
    ensure!(issues.is_empty(), "a resource of Synthea is refused");
    Ok(took)
}
