//! The NDJSON of Synthea: what servers are filled with, and values to search for.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

const ARCHIVES: [&str; 2] =
    ["synthea-2019-300-patients-ndjson.tar.zst", "synthea-v2.7-90-patients-ndjson.tar.zst"];
/// How many patients' values searches take turns with.
const PATIENTS: usize = 40;

/// Where the data is, how much, and values in it.
pub struct Data {
    folder: PathBuf,
    /// All resources.
    pub count: usize,
    /// Some patients, at equal distances.
    pub patients: Vec<Patient>,
}

/// What a patient can be searched by.
pub struct Patient {
    pub id: String,
    pub family: String,
    pub birth_year: i32,
    pub gender: String,
    /// System and value, as a token.
    pub identifier: String,
}

impl Data {
    /// Reads all resources once.
    pub fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut data = Self { folder: folder.to_owned(), count: 0, patients: Vec::new() };
        let (mut count, mut patients) = (0, Vec::new());
        data.each(&mut |line| {
            count += 1;
            if line.starts_with(r#"{"resourceType":"Patient""#) {
                patients.push(patient(&line)?);
            }
            Ok(())
        })?;
        let step = (patients.len() / PATIENTS).max(1);
        data.count = count;
        data.patients = patients.into_iter().step_by(step).collect();
        Ok(data)
    }

    /// Hands over each resource, as its line.
    pub fn each(&self, take: &mut dyn FnMut(String) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for name in ARCHIVES {
            let path = self.folder.join(name);
            let file = File::open(&path).with_context(|| path.display().to_string())?;
            let mut archive = tar::Archive::new(zstd::Decoder::new(file)?);
            for entry in archive.entries()? {
                let entry = entry?;
                if entry.header().entry_type().is_file() {
                    BufReader::new(entry).lines().try_for_each(|line| take(line?))?;
                }
            }
        }
        Ok(())
    }
}

fn patient(line: &str) -> anyhow::Result<Patient> {
    let resource: Value = serde_json::from_str(line)?;
    let text = |pointer: &str| {
        let value = resource.pointer(pointer).and_then(Value::as_str);
        value.map(str::to_owned).with_context(|| format!("a patient without {pointer}"))
    };
    Ok(Patient {
        id: text("/id")?,
        family: text("/name/0/family")?,
        birth_year: text("/birthDate")?.get(..4).context("a year")?.parse()?,
        gender: text("/gender")?,
        identifier: format!("{}|{}", text("/identifier/0/system")?, text("/identifier/0/value")?),
    })
}
