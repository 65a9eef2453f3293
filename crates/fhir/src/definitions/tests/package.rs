//! The pack is what the core package says: built again from the copy beside the project, which
//! was put together by others, it has the same bytes.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use json::{Document, Limits};

use crate::definitions::build::Builder;
use crate::definitions::{Definitions, R4, TypeKind};

#[expect(clippy::disallowed_methods, reason = "a test reads its own settings")]
fn data(path: &str) -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("FIREKEEP_SHARED").map_or_else(beside, PathBuf::from);
    shared.join("data/definitions").join(path)
}

/// The JSON files of an archive, by name as `cargo xtask gen` sorts them; none when the archive
/// is not there.
fn files(path: &str) -> Option<BTreeMap<String, Document>> {
    let reader = zstd::Decoder::new(std::fs::File::open(data(path)).ok()?).unwrap();
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(reader).entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        if path.extension().is_some_and(|extension| extension == "json") {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).to_vec();
            let document = Document::parse(text, &Limits::default()).unwrap();
            files.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), document);
        }
    }
    Some(files)
}

#[test]
fn the_pack_of_r4_is_the_core_package() {
    let Some(core) = files("r4/hl7.fhir.r4.core-4.0.1.tar.zst") else {
        println!("not compared: the data beside the project is not there");
        return;
    };
    let mut builder = Builder::new();
    for definition in core.values() {
        builder.add(definition);
    }
    let expansions = files("r4/hl7.fhir.r4.expansions-4.0.1.tar.zst").unwrap();
    for (_, set) in expansions.iter().filter(|(name, _)| name.starts_with("ValueSet-")) {
        builder.add_expansion(set);
    }
    let bytes = builder.pack(Definitions::r4().about()).unwrap();
    assert!(bytes == R4, "cargo xtask gen, or a change in the packages");
}

/// Other versions need no other code: their packages make packs that say what they are. The
/// numbers are those of resource types, profiles, search parameters, code systems and value sets.
#[test]
fn other_versions_make_packs_too() {
    let packages = [
        ("4.3.0", "r4b/hl7.fhir.r4b.core-4.3.0.tar.zst", "Citation", [143, 441, 1_439, 540, 721]),
        (
            "5.0.0",
            "r5/hl7.fhir.r5.core-5.0.0.tar.zst",
            "SubscriptionTopic",
            [162, 66, 1_244, 448, 788],
        ),
        (
            "3.0.2",
            "stu3/hl7.fhir.r3.core+examples-3.0.2.tar.zst",
            "ProcedureRequest",
            [119, 409, 1_245, 941, 1_154],
        ),
    ];
    for (version, path, own, expected) in packages {
        let Some(core) = files(path) else { return };
        let mut builder = Builder::new();
        for definition in core.values() {
            builder.add(definition);
        }
        let about = super::super::About { version: version.to_owned(), ..Default::default() };
        let definitions = Definitions::load(builder.pack(&about).unwrap()).unwrap();
        assert_eq!((definitions.version(), definitions.load_all()), (version, Ok(())));
        let child = |ty: &str, name: &str| {
            let id = definitions.type_named(ty)?;
            Some(definitions.ty(definitions.ty(id).child(name)?.ty).name())
        };
        assert_eq!(child(own, "meta"), Some("Meta"));
        assert_eq!(child("Patient", "contact"), Some("Patient.contact"));
        assert_eq!(child("Observation", "valueQuantity"), Some("Quantity"));
        assert_eq!(child("Questionnaire.item", "item"), Some("Questionnaire.item"));
        assert_eq!(child("Patient", "birthDate"), Some("date"));
        let patient = definitions.type_named("Patient").unwrap();
        assert!(definitions.search_parameter(patient, "_id").is_some(), "{version}");
        let terminology = definitions.terminology();
        let counts = [
            definitions.types().filter(|ty| ty.kind() == TypeKind::Resource).count(),
            definitions.profiles().iter().count(),
            definitions.search_parameters().iter().count(),
            terminology.code_systems().count(),
            terminology.value_sets().count(),
        ];
        assert_eq!(counts, expected, "{version}");
    }
}
