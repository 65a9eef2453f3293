//! FHIRPath, ours against rh-fhirpath 0.3, in one run: `cargo xtask bench --peer-fhirpath`.
//!
//! Both get the same texts, compile them once, and have read the resource before the clock starts.
//! A row of several expressions is the time for all of them. Expressions that one of the two
//! refuses, or cannot evaluate on the resource, are left out for both, and named.
//!
//! Never here: a limit that fails a build. Machines are shared; figures are read by people.

mod resources;
mod sides;

use std::path::PathBuf;

use anyhow::{Context, Result};
use fhir::Definitions;
use sides::{Ours, Row, Theirs};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let data = std::env::args().nth(1).map_or_else(|| "../shared/data".into(), PathBuf::from);
    let archive = data.join("synthea/synthea-2019-300-patients-bundles.tar.zst");
    let texts = resources::first(&archive)?;
    println!("| on a Synthea resource | ours (µs) | rh-fhirpath 0.3 (µs) | ratio | goal |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut left_out = Vec::new();
    for (name, ty, expressions) in rows()? {
        let text = if ty == "Patient" { &texts.patient } else { &texts.observation };
        let (ours, theirs) = (Ours::new(text, ty)?, Theirs::new(text)?);
        let row = Row::of(&expressions, &ours, &theirs);
        let (a, b) = row.measure();
        println!("| {} | {a:.2} | {b:.1} | {:.0}x | ≥ 20x |", name.replace('|', "\\|"), b / a);
        left_out.extend(row.left_out.into_iter().map(|why| format!("- {ty}: {why}")));
    }
    left_out.sort();
    left_out.dedup();
    println!("\nLeft out:\n\n{}", left_out.join("\n"));
    Ok(())
}

/// The name of each row, the type it is measured on, and its expressions.
fn rows() -> Result<Vec<(String, &'static str, Vec<String>)>> {
    let one = |ty, text: &str| (format!("`{text}`"), ty, vec![text.to_owned()]);
    let searches = |ty| -> Result<_> {
        let expressions = searches(ty)?;
        Ok((format!("{} search expressions of {ty}", expressions.len()), ty, expressions))
    };
    let invariants = invariants("Patient")?;
    Ok(vec![
        one("Patient", "Patient.name.given"),
        one("Patient", "Patient.telecom.where(system='phone' and use='home').value"),
        one("Observation", "Observation.code.coding.where(system='http://loinc.org').code"),
        one("Observation", "Observation.value.ofType(Quantity).value > 100"),
        (format!("{} invariants of Patient", invariants.len()), "Patient", invariants),
        searches("Patient")?,
        searches("Observation")?,
    ])
}

/// The expressions of all search parameters of a type.
fn searches(ty: &str) -> Result<Vec<String>> {
    let r4 = Definitions::r4();
    let ty = r4.type_named(ty).context("a type")?;
    let all = r4.search_parameters_of(ty).filter_map(|it| it.expression());
    Ok(all.map(str::to_owned).collect())
}

/// The invariants of a type's elements, each said of the resource.
fn invariants(ty: &str) -> Result<Vec<String>> {
    let r4 = Definitions::r4();
    let structure = r4.type_named(ty).and_then(|ty| r4.ty(ty).structure()).context("a type")?;
    let of_element = |element: fhir::Element<'_>| {
        let path = element.path().trim_end_matches("[x]").to_owned();
        let constraints = element.constraints().filter_map(|it| it.expression.map(str::to_owned));
        constraints
            .map(|text| if path == ty { text } else { format!("{path}.all({text})") })
            .collect::<Vec<_>>()
    };
    Ok(structure.elements().flat_map(of_element).collect())
}
