//! How much there is of everything, as the R4 package has it.

use std::collections::{BTreeMap, BTreeSet};

use crate::definitions::{
    CodeSystem, Definitions, Element, Primitive, Structure, Type, TypeKind, ValueSet,
};

#[test]
fn types() {
    let definitions = Definitions::r4();
    assert_eq!(definitions.version(), "4.0.1");
    let count = |kind: TypeKind, is_abstract: bool| {
        let types = definitions.types();
        types.filter(|ty| (ty.kind(), ty.is_abstract()) == (kind, is_abstract)).count()
    };
    assert_eq!(count(TypeKind::Resource, false), 146);
    assert_eq!(count(TypeKind::Resource, true), 2);
    assert_eq!(count(TypeKind::Primitive, false), 20);
    assert_eq!(count(TypeKind::Complex, false) + count(TypeKind::Complex, true), 41);
    assert_eq!(count(TypeKind::Logical, false), 5);
    let primitives: Vec<Primitive> = definitions.types().filter_map(Type::primitive).collect();
    assert_eq!(primitives.len(), 20);
}

#[test]
fn structures_and_elements() {
    let definitions = Definitions::r4();
    let all = || definitions.types.structures().iter().chain(definitions.profiles().iter());
    assert_eq!(all().count(), 655);
    assert_eq!(all().flat_map(Structure::elements).count(), 13_021);
    let constraints: BTreeSet<_> = all()
        .flat_map(Structure::elements)
        .flat_map(Element::constraints)
        .map(|constraint| (constraint.key, constraint.expression))
        .collect();
    assert_eq!(constraints.len(), 248);
    let extensions = definitions.profiles().iter().filter(|one| one.ty() == "Extension");
    assert_eq!(extensions.count(), 393);
    let bare: Vec<_> =
        all().filter(|one| one.root().is_none()).map(|one| one.name().to_owned()).collect();
    assert_eq!(bare, ["DocumentStructure", "DocumentSectionLibrary"], "published without snapshot");
}

#[test]
fn search_parameters_by_type() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for parameter in Definitions::r4().search_parameters().iter() {
        *counts.entry(parameter.kind().code()).or_default() += 1;
    }
    let expected = [
        ("composite", 46),
        ("date", 113),
        ("number", 7),
        ("quantity", 27),
        ("reference", 476),
        ("special", 2),
        ("string", 142),
        ("token", 542),
        ("uri", 45),
    ];
    assert_eq!(counts, BTreeMap::from(expected));
    let all = Definitions::r4().search_parameters().iter();
    assert_eq!(all.filter(|parameter| parameter.expression().is_none()).count(), 16);
}

#[test]
fn the_rest() {
    let definitions = Definitions::r4();
    assert_eq!(definitions.operations().iter().count(), 47);
    assert_eq!(definitions.compartments().iter().count(), 5);
    let terminology = definitions.terminology();
    assert_eq!(terminology.code_systems().count(), 1_062);
    assert_eq!(terminology.code_systems().flat_map(CodeSystem::concepts).count(), 20_731);
    // One of the expansions is of a value set that the core package does not have.
    assert_eq!(terminology.value_sets().count(), 1_317);
    assert_eq!(definitions.concept_maps().iter().count(), 80);
    let expanded = terminology.value_sets().filter_map(ValueSet::expansion);
    let (mut sets, mut lines) = (0, 0);
    for expansion in expanded {
        sets += 1;
        lines += expansion.contains().count();
    }
    println!("{sets} expansions with {lines} lines");
    assert!(sets >= 553 && lines >= 55_342, "{sets} {lines}");
}

/// Printed, not asserted: how long a start pays, on whatever machine this is.
#[test]
#[expect(clippy::disallowed_methods, reason = "a duration is printed, nothing is decided by it")]
fn time_to_load() {
    use std::time::Instant;
    let start = Instant::now();
    let definitions = Definitions::load(crate::definitions::R4).unwrap();
    println!("types, search parameters, compartments, operations: {:?}", start.elapsed());
    let start = Instant::now();
    definitions.profiles();
    println!("profiles: {:?}", start.elapsed());
    let start = Instant::now();
    definitions.terminology();
    println!("terminology: {:?}", start.elapsed());
    let start = Instant::now();
    definitions.concept_maps();
    println!("concept maps: {:?}", start.elapsed());
    let names: Vec<_> =
        definitions.types().flat_map(|ty| ty.json_names().map(move |name| (ty, name))).collect();
    let start = Instant::now();
    let found = names.iter().filter(|(ty, name)| ty.child(name).is_some()).count();
    println!("{found} children by name: {:?}", start.elapsed());
    assert_eq!(found, names.len());
}
