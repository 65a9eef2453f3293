//! The search values of all of R4's examples, in `values/`: a file for each type, a block for each
//! example, a line for each parameter. `FIREKEEP_WRITE=1 cargo test -p fhir values_snapshot`
//! writes them anew; the diff shows what a change does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use crate::values_suite::{examples, extracted};

/// Values that a line shows before it only counts them.
const SHOWN: usize = 12;
/// Characters of a value that are shown.
const CHARACTERS: usize = 160;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fhir/values")
}

fn line(code: &str, values: &BTreeSet<String>) -> String {
    let short = |value: &String| match value.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.clone(),
    };
    let mut line = format!("  {code}: ");
    line += &values.iter().take(SHOWN).map(short).collect::<Vec<_>>().join("; ");
    if let Some(more) = values.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        let all: String = values.iter().map(String::as_str).collect();
        let sum = xxhash_rust::xxh3::xxh3_64(all.as_bytes());
        write!(line, "; and {more} more, all {sum:016x}").expect("a string takes it");
    }
    line.replace('\n', "\\n")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
fn the_values_of_all_examples_are_as_committed() {
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for (name, document) in examples() {
        let Some(table) = extracted(&document) else { continue };
        let ty = name.split('-').next().unwrap_or_default().to_owned();
        let file = files.entry(ty).or_default();
        writeln!(file, "{}", name.trim_end_matches(".json")).expect("a string takes it");
        for (code, values) in &table {
            writeln!(file, "{}", line(code, values)).expect("a string takes it");
        }
    }
    let write = std::env::var_os("FIREKEEP_WRITE").is_some();
    let mut wrong = Vec::new();
    for (ty, text) in &files {
        let path = folder().join(format!("{ty}.txt"));
        if write {
            std::fs::create_dir_all(folder()).expect("a folder");
            std::fs::write(&path, text).expect("the file is written");
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let differ = |(n, (new, old)): (usize, (&str, &str))| {
            (new != old).then(|| format!("{ty}.txt:{}\n  - {old}\n  + {new}", n + 1))
        };
        let lines = committed.lines().chain(std::iter::repeat("")).take(text.lines().count());
        wrong.extend(text.lines().zip(lines).enumerate().find_map(differ));
        if committed.lines().count() > text.lines().count() {
            wrong.push(format!("{ty}.txt has more lines than there are values"));
        }
    }
    assert_eq!(files.len(), std::fs::read_dir(folder()).expect("a folder").count());
    assert!(wrong.is_empty(), "{}\nif that is right: FIREKEEP_WRITE=1", wrong.join("\n"));
}
