//! Packages lie beside the resources: kept in the order in which they were added, replaced by name,
//! in backups too.

use store::*;

use crate::world::*;

fn package(name: &str, about: &str) -> KeptPackage {
    KeptPackage { name: name.to_owned(), about: about.into(), pack: vec![7; 100_000] }
}

fn shown(store: &Store) -> Vec<(String, String)> {
    let kept = store.packages().unwrap().into_iter();
    kept.map(|it| (it.name, String::from_utf8(it.about).unwrap())).collect()
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, about)| ((*name).to_owned(), (*about).to_owned())).collect()
}

#[test]
fn packages_are_kept_in_order_replaced_and_removed() {
    let world = World::new();
    assert_eq!((shown(&world.store), world.store.package_changes()), (Vec::new(), 0));
    for (name, about) in [("b#1", "first"), ("a#1", "second"), ("b#1", "third")] {
        world.store.put_package(&package(name, about), about.as_bytes()).unwrap();
    }
    assert_eq!(world.store.package_changes(), 3);
    let expected = pairs(&[("a#1", "second"), ("b#1", "third")]);
    assert_eq!(shown(&world.store), expected);
    assert_eq!(world.store.package_archive("b#1").unwrap().as_deref(), Some(&b"third"[..]));
    assert_eq!(world.store.package_archive("c#1").unwrap(), None);
    world.sound();

    let to = world.folder.path().join("backup");
    world.store.backup(&to).unwrap();
    let world = world.reopened();
    assert_eq!(shown(&world.store), expected);
    assert!(world.store.remove_package("a#1").unwrap());
    assert!(!world.store.remove_package("a#1").unwrap());
    assert_eq!(shown(&world.store), pairs(&[("b#1", "third")]));

    let restored = world.folder.path().join("restored");
    restore(&to, &restored).unwrap();
    let copy = Store::open(&restored, options(&world.clock)).unwrap();
    assert_eq!(shown(&copy), expected);
}

#[test]
fn a_package_grows_the_map_or_is_refused_for_want_of_room() {
    let world = World::with_map(1 << 20, 4 << 20);
    let large = KeptPackage { pack: vec![1; 2 << 20], ..package("large#1", "") };
    world.store.put_package(&large, b"").unwrap();
    let larger = KeptPackage { pack: vec![1; 8 << 20], ..package("larger#1", "") };
    assert!(world.store.put_package(&larger, b"").unwrap_err().is_no_room());
    assert_eq!(shown(&world.store), pairs(&[("large#1", "")]));
    world.run(put(patient("p"), "one"));
    world.sound();
}

#[test]
fn the_last_change_of_a_type_is_known_of_every_kind_of_write() {
    let world = World::new();
    let last = |of: &[TypeId]| world.store.last_change(of).0;
    assert_eq!(last(&[PATIENT, OBSERVATION]), 0);
    world.run(put(patient("p"), "one"));
    assert_eq!((last(&[PATIENT]), last(&[OBSERVATION])), (1, 0));
    world.run(put(patient("p"), "one"));
    assert_eq!(last(&[PATIENT]), 1, "nothing changed");
    let observation = Key { resource_type: OBSERVATION, ..patient("o") };
    world.run(put(observation, "one"));
    world.run(Operation::Delete { key: patient("p"), condition: None });
    assert_eq!((last(&[PATIENT]), last(&[OBSERVATION]), last(&[PATIENT, OBSERVATION])), (3, 2, 3));
    world.run(Operation::HardDelete { key: observation });
    assert_eq!(last(&[OBSERVATION]), world.store.snapshot().number().0);
    assert_eq!(world.reopened().store.last_change(&[PATIENT]).0, 0);
}
