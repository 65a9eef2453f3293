//! The resources that are measured on: the first of their kind among those of Synthea.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};
use json::{Document, Limits, Value};

/// As texts, which each side reads in its own way.
pub struct Texts {
    pub patient: Vec<u8>,
    /// One with a quantity.
    pub observation: Vec<u8>,
}

/// Reads bundles until both are found.
pub fn first(archive: &Path) -> Result<Texts> {
    let file = File::open(archive).with_context(|| archive.display().to_string())?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(file)?);
    let (mut patient, mut observation) = (None, None);
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut bundle = Vec::new();
        entry.read_to_end(&mut bundle)?;
        let bundle = Document::parse(bundle, &Limits::default())?;
        for entry in bundle.root().get("entry").into_iter().flat_map(Value::elements) {
            let Some(resource) = entry.get("resource") else { continue };
            let is = |name| resource.get("resourceType").is_some_and(|it| it.is_str(name));
            if is("Patient") {
                patient.get_or_insert_with(|| resource.raw().to_vec());
            }
            if is("Observation") && resource.get("valueQuantity").is_some() {
                observation.get_or_insert_with(|| resource.raw().to_vec());
            }
        }
        if let (Some(patient), Some(observation)) = (&patient, &observation) {
            return Ok(Texts { patient: patient.clone(), observation: observation.clone() });
        }
    }
    bail!("there is no Patient or no Observation")
}
