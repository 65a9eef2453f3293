//! FHIR XML: to a tape, and back from one.

use std::hint::black_box;
use std::path::Path;

use bytes::Bytes;
use fhir::{Definitions, xml};
use json::{Document, Limits};

use crate::json_parse::{ARCHIVE, ROUNDS, resources, seconds};

/// Megabytes of XML per second over Synthea resources, each by itself: read into a tape, and
/// written from one.
pub fn rates(data: &Path) -> anyhow::Result<(f64, f64)> {
    let (definitions, limits) = (Definitions::r4(), Limits::default());
    let write = |document: &Document| {
        let mut out = Vec::with_capacity(document.bytes().len() * 5 / 4);
        xml::from_json(definitions, document.root(), false, &mut out).map(|()| out)
    };
    let documents =
        resources(&data.join(ARCHIVE))?.into_iter().map(|text| Document::parse(text, &limits));
    let documents = documents.collect::<Result<Vec<_>, _>>()?;
    let texts = documents.iter().map(|document| write(document).map(Bytes::from));
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    let (mut reading, mut writing) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        reading = reading.min(seconds(&texts, |text| {
            let json = xml::to_json(definitions, text, &limits)?;
            black_box(Document::parse(json, &limits)?);
            Ok(())
        })?);
        writing = writing.min(seconds(&documents, |document| {
            black_box(write(document)?);
            Ok(())
        })?);
    }
    let megabytes = texts.iter().map(Bytes::len).sum::<usize>() as f64 / 1e6;
    Ok((megabytes / reading, megabytes / writing))
}
