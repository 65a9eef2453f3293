//! Published packages become layers: what they define is found, quickly and in little memory.

use std::sync::Arc;
use std::time::Instant;

use fhir::Definitions;
use fhir::definitions::{Layer, Origin, Registry};
use fhir::package::{self, Package};

use crate::archive::data;

fn read(file: &str) -> Package {
    let bytes = std::fs::read(data().join("igs").join(file)).expect("the data is there");
    package::read(&bytes, "4.0.1").expect("a package")
}

fn rss() -> usize {
    let t = std::fs::read_to_string("/proc/self/status").unwrap();
    let l = t.lines().find(|l| l.starts_with("VmRSS")).unwrap();
    l.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn measure() {
    Definitions::r4().load_all().unwrap();
    for file in [
        "hl7.fhir.us.core-3.1.1.tgz",
        "hl7.fhir.us.core-6.1.0.tgz",
        "hl7.fhir.us.core-7.0.0.tgz",
        "hl7.fhir.uv.ips-1.1.0.tgz",
        "hl7.fhir.uv.ips-2.0.0.tgz",
        "hl7.terminology.r4-7.0.1.tar.zst",
        "hl7.fhir.uv.extensions.r4-5.3.0-ballot-tc1.tgz",
    ] {
        let r0 = rss();
        let t = Instant::now();
        let p = read(file);
        let t1 = t.elapsed();
        println!(
            "{file}: {t1:?} pack {} rss +{} kB {:?} left out {}",
            p.pack.len(),
            rss() as i64 - r0 as i64,
            p.counts,
            p.left_out.len()
        );
        let id = p.manifest.id();
        println!("{id} {:?}", p.manifest.dependencies.len());
        let t = Instant::now();
        let l = Layer::load(Definitions::r4(), Origin::Package(id), p.pack).unwrap();
        let a = t.elapsed();
        let r1 = rss();
        l.profiles();
        l.terminology();
        l.search_parameters();
        l.concept_maps();
        println!("   load {a:?} all {:?} rss +{} kB", t.elapsed(), rss() as i64 - r1 as i64);
        let nosnap = l.profiles().iter().filter(|p| p.root().is_none()).count();
        println!("   profiles {} without snapshot {nosnap}", l.profiles().iter().count());
        let _ = Registry::new(Definitions::r4()).with(Arc::new(l));
    }
}
