//! Published packages become layers in which their definitions are found.

use std::sync::Arc;

use fhir::Definitions;
use fhir::definitions::{Element, Layer, Origin, Registry, Structure};
use fhir::package::{self, Package, PackageError};

use crate::archive::data;

/// Reads a package of `data/igs`; none when the data is not beside the project.
fn read(file: &str) -> Option<Package> {
    let bytes = std::fs::read(data().join("igs").join(file)).ok()?;
    Some(package::read(&bytes, "4.0.1", &r4()).expect("a package"))
}

fn r4() -> Registry {
    Registry::new(Definitions::r4())
}

fn layer(package: Package) -> Arc<Layer> {
    let origin = Origin::Package(package.manifest.id());
    Arc::new(Layer::load(Definitions::r4(), origin, package.pack).expect("a pack"))
}

/// The package is of this name, has so many profiles, value sets and code systems, all readable,
/// and every profile has its elements.
fn check(file: &str, id: &str, expected: [usize; 3]) -> Option<Arc<Layer>> {
    let package = read(file)?;
    assert_eq!((package.manifest.id(), &*package.left_out), (id.to_owned(), &[][..]));
    let counts = ["StructureDefinition", "ValueSet", "CodeSystem"]
        .map(|ty| package.counts.get(ty).copied().unwrap_or_default());
    assert_eq!(counts, expected, "{id}");
    let layer = layer(package);
    let found = [
        layer.profiles().iter().filter(|profile| profile.root().is_some()).count(),
        layer.terminology().value_sets().count(),
        layer.terminology().code_systems().count(),
    ];
    assert_eq!(found, expected, "{id}");
    Some(layer)
}

#[test]
fn us_core_and_ips_are_read() {
    for (file, id, expected) in [
        ("hl7.fhir.us.core-3.1.1.tgz", "hl7.fhir.us.core#3.1.1", [30, 32, 5]),
        ("hl7.fhir.us.core-6.1.0.tgz", "hl7.fhir.us.core#6.1.0", [59, 36, 5]),
        ("hl7.fhir.us.core-7.0.0.tgz", "hl7.fhir.us.core#7.0.0", [63, 29, 5]),
        ("hl7.fhir.uv.ips-1.1.0.tgz", "hl7.fhir.uv.ips#1.1.0", [36, 60, 1]),
        ("hl7.fhir.uv.ips-2.0.0.tgz", "hl7.fhir.uv.ips#2.0.0", [32, 36, 0]),
    ] {
        let Some(layer) = check(file, id, expected) else { return };
        let r4 = Definitions::r4();
        let types = layer.profiles().iter().flat_map(Structure::elements);
        let names = types.flat_map(Element::types);
        assert!(names.filter(|of| of.ty() == r4.type_named("Extension")).count() > 10, "{id}");
    }
}

#[test]
fn the_terminology_of_hl7_is_read() {
    let file = "hl7.terminology.r4-7.0.1.tar.zst";
    let Some(layer) = check(file, "hl7.terminology.r4#7.0.1", [9, 2_499, 897]) else { return };
    let registry = Registry::new(Definitions::r4()).with(layer);
    let system = registry.code_system("http://terminology.hl7.org/CodeSystem/v3-ActCode");
    let concept = system.and_then(|system| system.concept("AMB")).expect("a code of ActCode");
    assert_eq!(concept.display(), Some("ambulatory"));
}

#[test]
fn a_package_says_what_it_needs_and_for_which_version_it_is() {
    let Some(package) = read("hl7.fhir.us.core-3.1.1.tgz") else { return };
    let needed =
        package.manifest.dependencies.iter().map(|it| format!("{}#{}", it.name, it.version));
    assert_eq!(needed.collect::<Vec<_>>(), ["hl7.fhir.r4.core#4.0.1"]);
    let bytes = std::fs::read(data().join("igs/hl7.fhir.us.core-3.1.1.tgz")).expect("the data");
    let refused = package::read(&bytes, "5.0.0", &r4()).expect_err("another version");
    assert!(matches!(&refused, PackageError::OtherVersion { .. }));
    assert_eq!(
        refused.to_string(),
        "hl7.fhir.us.core#3.1.1 is for FHIR 4.0.1, and this service has FHIR 5.0.0. Take the \
         package of the same name that was made for it"
    );
}
