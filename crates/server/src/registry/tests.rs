//! A registry follows the store: what was written is seen by who asks next.

use std::error::Error;

use store::{Commit, Content, Key, Operation, PutCondition, ResourceId, StoreOptions};

use super::*;

type Shown = Result<(), Box<dyn Error>>;

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    own: OwnDefinitions,
}

impl World {
    fn new() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let store = Store::open(folder.path(), StoreOptions::default())?;
        Ok(Self { _folder: folder, store, own: OwnDefinitions::default() })
    }

    async fn run(&self, operation: Operation) -> Shown {
        self.store.commit(Commit::of(operation)).await?;
        Ok(())
    }

    async fn put(&self, ty: &str, id: &str, body: &str) -> Shown {
        let bytes = body.as_bytes();
        let content = Content::compress(bytes, digest(bytes), [0; 12], None)?;
        let condition = PutCondition::Any;
        self.run(Operation::Put { key: key(ty, id), condition, content }).await
    }

    fn registry(&self) -> Result<Arc<Registry>, Fault> {
        self.own.registry(&self.store)
    }

    fn title(&self, url: &str) -> Result<Option<String>, Fault> {
        let registry = self.registry()?;
        Ok(registry.value_set(url).and_then(|set| set.title().map(str::to_owned)))
    }
}

/// Different bytes have different hashes, which is all that the store asks.
fn digest(bytes: &[u8]) -> [u8; 16] {
    let whole = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut hash = [0; 16];
    hash.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
    hash
}

fn key(ty: &str, id: &str) -> Key {
    let resource_type = types::number(ty).unwrap_or(TypeId(0));
    Key { resource_type, id: ResourceId::new(id).expect("an id") }
}

fn set(url: &str, title: &str) -> String {
    format!(r#"{{"resourceType":"ValueSet","url":"{url}","title":"{title}"}}"#)
}

#[tokio::test]
async fn every_kind_of_write_is_seen_by_who_asks_after_it() -> Shown {
    let world = World::new()?;
    assert_eq!(world.title("http://e/a")?, None);
    world.put("ValueSet", "a", &set("http://e/a", "one")).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("one"));
    world.put("ValueSet", "a", &set("http://e/a", "two")).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("two"));
    world.put("ValueSet", "b", &set("http://e/a", "three")).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("three"));
    world.run(Operation::HardDelete { key: key("ValueSet", "b") }).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("two"));
    world.run(Operation::Delete { key: key("ValueSet", "a"), condition: None }).await?;
    assert_eq!(world.title("http://e/a")?, None);
    Ok(())
}

#[tokio::test]
async fn other_writes_change_nothing_and_what_cannot_be_used_is_left_out() -> Shown {
    let world = World::new()?;
    let before = world.registry()?;
    world.put("Patient", "p", r#"{"resourceType":"Patient"}"#).await?;
    assert!(Arc::ptr_eq(&before, &world.registry()?));
    world.put("ValueSet", "bad", r#"{"resourceType":"ValueSet"}"#).await?;
    world.put("ValueSet", "worse", r#"{"resourceType":"ValueSet""#).await?;
    world.put("ValueSet", "good", &set("http://e/a", "good")).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("good"));
    let registry = world.registry()?;
    assert!(Arc::ptr_eq(&registry, &world.registry()?), "what is left out is not read again");
    Ok(())
}

#[tokio::test]
async fn a_thousand_writes_cost_what_each_changes() -> Shown {
    let world = World::new()?;
    for number in 0..1_000 {
        let url = format!("http://e/{number}");
        world.put("ValueSet", &number.to_string(), &set(&url, "new")).await?;
        assert_eq!(world.title(&url)?.as_deref(), Some("new"));
    }
    // What was there before is the same layer, not one that was made again.
    let before = world.registry()?;
    let first: *const Layer = before.layers().last().map_or(std::ptr::null(), |it| it);
    world.put("ValueSet", "last", &set("http://e/last", "new")).await?;
    let after = world.registry()?;
    assert!(after.layers().last().is_some_and(|layer| std::ptr::eq(layer, first)));
    assert_eq!(after.layers().count(), 1_001);
    Ok(())
}

#[tokio::test]
async fn what_was_stored_wins_over_packages_whichever_came_first() -> Shown {
    let world = World::new()?;
    world.put("ValueSet", "a", &set("http://e/a", "stored")).await?;
    let pack = packed(&archive(&set("http://e/a", "packed"))?)?;
    let name = "a.b#1".to_owned();
    world.store.put_package(&KeptPackage { name, about: Vec::new(), pack }, b"")?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("stored"));
    world.run(Operation::Delete { key: key("ValueSet", "a"), condition: None }).await?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("packed"));
    world.store.remove_package("a.b#1")?;
    assert_eq!(world.title("http://e/a")?, None);
    Ok(())
}

#[tokio::test]
async fn a_pack_of_another_form_is_made_again_and_a_damaged_one_left_out() -> Shown {
    let world = World::new()?;
    let archive = archive(&set("http://e/a", "packed"))?;
    let mut pack = packed(&archive)?;
    // The number of the form stands behind the eight letters at the front.
    pack.get_mut(8).into_iter().for_each(|byte| *byte = 0xff);
    let name = "a.b#1".to_owned();
    world.store.put_package(&KeptPackage { name, about: Vec::new(), pack }, &archive)?;
    let name = "c.d#1".to_owned();
    let pack = b"damaged".to_vec();
    world.store.put_package(&KeptPackage { name, about: Vec::new(), pack }, &archive)?;
    assert_eq!(world.title("http://e/a")?.as_deref(), Some("packed"));
    assert_eq!(world.registry()?.layers().count(), 1);
    Ok(())
}

fn packed(archive: &[u8]) -> Result<Vec<u8>, fhir::package::PackageError> {
    let known = Registry::new(Definitions::r4());
    Ok(fhir::package::read(archive, "4.0.1", &known)?.pack)
}

/// The StructureDefinition of a profile on Patient or on another profile, as a differential.
fn profile(url: &str, on: &str, element: &str) -> String {
    format!(
        r#"{{"resourceType":"StructureDefinition","url":"{url}","kind":"resource","type":"Patient",
        "derivation":"constraint","baseDefinition":"{on}",
        "differential":{{"element":[{{"path":"Patient"}},{element}]}}}}"#
    )
}

#[tokio::test]
async fn a_profile_with_a_differential_only_follows_what_it_builds_on() -> Shown {
    const PATIENT: &str = "http://hl7.org/fhir/StructureDefinition/Patient";
    let world = World::new()?;
    let least = |of: &str| {
        let registry = world.registry()?;
        let element = |structure: fhir::definitions::Structure<'_>| {
            structure.elements().find(|it| it.path() == "Patient.birthDate").map(fhir::Element::min)
        };
        Ok::<_, Fault>(registry.structure(of).and_then(element))
    };
    let name = r#"{"path":"Patient.name","min":1}"#;
    world.put("StructureDefinition", "b", &profile("http://e/b", "http://e/a", name)).await?;
    assert_eq!(least("http://e/b")?, None, "what it builds on is not there yet");
    let birth = r#"{"path":"Patient.birthDate","min":1}"#;
    world.put("StructureDefinition", "a", &profile("http://e/a", PATIENT, birth)).await?;
    assert_eq!(least("http://e/b")?, Some(1));
    world.put("StructureDefinition", "a", &profile("http://e/a", PATIENT, name)).await?;
    assert_eq!(least("http://e/b")?, Some(0));
    world.put("ValueSet", "a", &set("http://e/v", "other")).await?;
    assert_eq!(least("http://e/b")?, Some(0));
    Ok(())
}

/// A package `a.b#1` with this value set.
fn archive(set: &str) -> std::io::Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    let manifest = r#"{"name":"a.b","version":"1"}"#;
    for (name, text) in [("package/package.json", manifest), ("package/ValueSet-a.json", set)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        archive.append_data(&mut header, name, text.as_bytes())?;
    }
    zstd::encode_all(&archive.into_inner()?[..], 1)
}
