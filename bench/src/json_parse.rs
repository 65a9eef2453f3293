//! Parsing JSON: our tape, with its checks of UTF-8 and duplicate keys, against sonic-rs's
//! document.

use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;

/// The bundles of Synthea that are measured with.
pub const ARCHIVE: &str = "synthea-2019-300-patients-bundles.tar.zst";
const BUNDLES: usize = 80;
/// Both take turns, and the best round of each counts: others use the machine too.
pub const ROUNDS: usize = 9;

/// Megabytes per second, ours and sonic-rs's, over the same Synthea resources, each parsed by
/// itself as it stands (minified: the harder form for us, whitespace costs sonic-rs more).
pub fn compare(data: &Path) -> anyhow::Result<(f64, f64)> {
    let resources = resources(&data.join(ARCHIVE))?;
    let bytes: usize = resources.iter().map(Bytes::len).sum();
    let (mut ours, mut sonic) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..ROUNDS {
        let limits = json::Limits::default();
        ours = ours.min(seconds(&resources, |text| {
            black_box(json::Document::parse(text.clone(), &limits)?);
            Ok(())
        })?);
        sonic = sonic.min(seconds(&resources, |text| {
            black_box(sonic_rs::from_slice::<sonic_rs::Value>(text)?);
            Ok(())
        })?);
    }
    let megabytes = bytes as f64 / 1e6;
    Ok((megabytes / ours, megabytes / sonic))
}

/// How long some work on all resources takes.
#[expect(clippy::disallowed_methods, reason = "measures how long something took")]
pub fn seconds<T>(resources: &[T], work: impl Fn(&T) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let start = Instant::now();
    resources.iter().try_for_each(work)?;
    Ok(start.elapsed().as_secs_f64())
}

/// The resources of the first bundles of the archive.
pub fn resources(archive: &Path) -> anyhow::Result<Vec<Bytes>> {
    let file = File::open(archive).with_context(|| archive.display().to_string())?;
    let mut archive = tar::Archive::new(zstd::Decoder::new(file)?);
    let mut resources = Vec::new();
    let files = archive
        .entries()?
        .filter(|entry| entry.as_ref().map_or(true, |entry| entry.header().entry_type().is_file()));
    for entry in files.take(BUNDLES) {
        let mut bundle = Vec::new();
        entry?.read_to_end(&mut bundle)?;
        let bundle = json::Document::parse(bundle, &json::Limits::default())?;
        for entry in bundle.root().get("entry").into_iter().flat_map(json::Value::elements) {
            let resource = entry.get("resource").context("an entry without a resource")?;
            resources.push(Bytes::copy_from_slice(resource.raw()));
        }
    }
    Ok(resources)
}
