//! `firekeep load` with three hundred synthetic patients: every resource comes back with equal
//! content.

use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;
use stories::{Actor, Firekeep, Setup, TarFiles, shared};

const BUNDLES_WITH_CRITERIA: &str = "data/synthea/synthea-v2.7-90-patients-bundles.tar.zst";
const BUNDLES: &str = "data/synthea/synthea-2019-300-patients-bundles.tar.zst";

/// The members of an object in their order, each with its exact text.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(InOrder)
    }
}

/// A resource's text without what the server may set and without white space between tokens, and
/// with every reference replaced by what it points to.
fn comparable(resource: &RawValue, ids: &HashMap<String, String>) -> String {
    let members = |text: &str| serde_json::from_str::<Members>(text).expect("an object").0;
    let mut text = String::new();
    for (name, value) in members(resource.get()) {
        if name == "meta" {
            let mut rest = members(value.get());
            rest.retain(|(name, _)| name != "versionId" && name != "lastUpdated");
            for (name, value) in rest {
                text += &format!("meta.{name}:{}\n", compact(value.get()));
            }
        } else if name != "id" {
            text += &format!("{name}:{}\n", compact(value.get()));
        }
    }
    resolved(&text, ids)
}

/// Puts what `ids` names in the place of the UUIDs of a bundle.
fn resolved(text: &str, ids: &HashMap<String, String>) -> String {
    let mut parts = text.split("\"urn:uuid:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (uuid, rest) = part.split_once('"').expect("a string ends");
        let uuid = format!("urn:uuid:{uuid}");
        out += &format!("\"{}\"{rest}", ids.get(&uuid).unwrap_or(&uuid));
    }
    out
}

/// Takes away the white space between tokens; strings stay as they are.
fn compact(text: &str) -> String {
    let (mut out, mut in_string, mut escaped) = (String::new(), false, false);
    for character in text.chars() {
        if in_string || !character.is_ascii_whitespace() {
            out.push(character);
        }
        if character == '"' && !escaped {
            in_string = !in_string;
        }
        escaped = in_string && character == '\\' && !escaped;
    }
    out
}

#[derive(Deserialize)]
struct Sent {
    entry: Vec<SentEntry>,
}

#[derive(Deserialize)]
struct SentEntry {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    resource: Box<RawValue>,
}

/// Posts one bundle and checks each entry of it against what the service then holds.
async fn check_bundle(app: &Actor, name: &str, content: &[u8]) -> usize {
    let sent: Sent = serde_json::from_slice(content).expect("a Bundle");
    let answer = app.send(reqwest::Method::POST, "", content.to_vec()).await.ok().json();
    let made = answer["entry"].as_array().expect("answers");
    assert_eq!(sent.entry.len(), made.len(), "{name}");
    let path = |answer: &Value| {
        let location = answer["response"]["location"].as_str().expect("a location").to_owned();
        let local = location.rsplit_once("/_history/").expect("a version").0.to_owned();
        let mut parts: Vec<&str> = local.rsplit('/').take(2).collect();
        parts.reverse();
        parts.join("/")
    };
    let ids: HashMap<String, String> = sent
        .entry
        .iter()
        .zip(made)
        .filter_map(|(sent, answer)| Some((sent.full_url.clone()?, path(answer))))
        .collect();
    for (sent, answer) in sent.entry.iter().zip(made) {
        let read = app.get(&format!("/{}", path(answer))).await.ok().text();
        let read: Box<RawValue> = serde_json::from_str(&read).expect("JSON");
        let expected = comparable(&sent.resource, &ids);
        assert_eq!(comparable(&read, &HashMap::new()), expected, "{name}");
    }
    sent.entry.len()
}

#[tokio::test]
async fn what_goes_in_comes_out() {
    let Some(archive) = shared(BUNDLES) else { return };
    let fk = Firekeep::start().await;
    let app = fk.as_contributor().await;
    let mut few = Vec::new();
    TarFiles::open(&archive).each(|name, content| {
        if content.len() < 300_000 && few.len() < 12 {
            few.push((name.to_owned(), content));
        }
    });
    for (name, content) in few {
        assert!(check_bundle(&app, &name, &content).await > 0);
    }
}

/// A resource as a page of all resources shows it.
#[derive(Deserialize)]
struct Stored {
    resource: Box<RawValue>,
}

#[derive(Deserialize)]
struct Page {
    link: Vec<Link>,
    #[serde(default)]
    entry: Vec<Stored>,
}

#[derive(Deserialize)]
struct Link {
    relation: String,
    url: String,
}

/// Just enough of a resource to know where it is and which transaction it came with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Place {
    resource_type: String,
    id: String,
    meta: Meta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    last_updated: String,
}

impl Place {
    fn of(stored: &Stored) -> Self {
        serde_json::from_str(stored.resource.get()).expect("a resource")
    }
}

/// Everything the service holds, oldest first, a vector for each transaction: those of one share
/// their `meta.lastUpdated` and stand in the order of its entries.
async fn everything(app: &Actor) -> Vec<Vec<Stored>> {
    let mut transactions: Vec<(String, Vec<Stored>)> = Vec::new();
    let mut next = Some("/?_count=1000".to_owned());
    while let Some(url) = next {
        let text = app.get(&url).await.ok().text();
        let page: Page = serde_json::from_str(&text).expect("a Bundle");
        for stored in page.entry {
            let time = Place::of(&stored).meta.last_updated;
            match transactions.last_mut() {
                Some((known, resources)) if *known == time => resources.push(stored),
                _ => transactions.push((time, vec![stored])),
            }
        }
        next = page.link.into_iter().find(|link| link.relation == "next").map(|link| link.url);
    }
    transactions.into_iter().map(|(_, resources)| resources).collect()
}

/// Compares every resource of every bundle with what came of it; how many there were.
async fn read_everything_back(app: &Actor, archive: &Path) -> usize {
    let nothing = HashMap::new();
    // No bundle begins with a resource that has references: it tells which transaction was its.
    let mut transactions: HashMap<String, Vec<Vec<Stored>>> = HashMap::new();
    for resources in everything(app).await {
        let first = comparable(&resources[0].resource, &nothing);
        transactions.entry(first).or_default().push(resources);
    }
    let mut compared = 0;
    TarFiles::open(archive).each(|name, content| {
        let sent: Sent = serde_json::from_slice(&content).expect("a Bundle");
        let first = comparable(&sent.entry[0].resource, &nothing);
        let stored = transactions.get_mut(&first).and_then(Vec::pop).unwrap_or_default();
        assert_eq!(sent.entry.len(), stored.len(), "{name}");
        let place = |stored: &Stored| {
            let Place { resource_type, id, .. } = Place::of(stored);
            format!("{resource_type}/{id}")
        };
        let pairs = || sent.entry.iter().zip(&stored);
        let ids =
            pairs().filter_map(|(sent, stored)| Some((sent.full_url.clone()?, place(stored))));
        let ids: HashMap<String, String> = ids.collect();
        for (sent, stored) in pairs() {
            let expected = comparable(&sent.resource, &ids);
            assert_eq!(comparable(&stored.resource, &nothing), expected, "{name}");
        }
        compared += stored.len();
    });
    assert!(transactions.values().all(Vec::is_empty), "nothing is there that was not sent");
    compared
}

#[tokio::test]
async fn three_hundred_patients_load_without_an_error_and_come_back_whole() {
    let Some(archive) = shared(BUNDLES) else { return };
    let fk = Firekeep::start().await;
    let loaded = fk.run(&["load", &archive.display().to_string()]);
    let said = String::from_utf8_lossy(&loaded.stdout).into_owned()
        + &String::from_utf8_lossy(&loaded.stderr);
    assert!(loaded.status.success(), "{said}");
    assert!(said.contains("302") && said.contains(" 0 failed"), "{said}");
    let app = fk.as_contributor().await;
    let count = app.get("/Patient?_summary=count").await.ok().json();
    assert_eq!(count["total"], 300);
    let all = app.get("/?_summary=count").await.ok().json();
    assert_eq!(all["total"], read_everything_back(&app, &archive).await);

    let (code, folder, _) = fk.stop();
    assert_eq!(code, 0);
    let begin = Instant::now();
    let again = Firekeep::start_with(Setup { folder: Some(folder), ..Setup::default() }).await;
    println!("a second start took {:?}", begin.elapsed());
    let app = again.as_contributor().await;
    assert_eq!(app.get("/Patient?_summary=count").await.ok().json()["total"], 300);
}

#[tokio::test]
async fn patients_that_refer_by_criteria_load_and_what_they_refer_to_is_made_once() {
    let Some(archive) = shared(BUNDLES_WITH_CRITERIA) else { return };
    let fk = Firekeep::start().await;
    let loaded = fk.run(&["load", &archive.display().to_string()]);
    let said = String::from_utf8_lossy(&loaded.stderr).into_owned();
    assert!(loaded.status.success(), "{said}");
    let app = fk.as_contributor().await;
    let mut counts = Vec::new();
    for name in ["Organization", "Location", "Practitioner"] {
        let count = app.get(&format!("/{name}?_summary=count")).await.ok().json();
        counts.push((name, count["total"].clone()));
    }
    let mut again = Vec::new();
    TarFiles::open(&archive).each(|name, content| {
        if name.contains("Information") {
            again.push(content);
        }
    });
    assert_eq!(again.len(), 2);
    for content in again {
        app.send(reqwest::Method::POST, "", content).await.ok();
    }
    for (name, before) in counts {
        let count = app.get(&format!("/{name}?_summary=count")).await.ok().json();
        assert_eq!(count["total"], before, "{name}");
    }
    let referred = app.get("/Encounter?_count=1&_include=Encounter:service-provider").await.ok();
    assert!(referred.text().contains("\"mode\":\"include\""), "{}", referred.text());
}

#[tokio::test]
async fn a_failed_bundle_is_named_and_the_rest_goes_on() {
    let fk = Firekeep::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: String| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("a-good.json", stories::patients(2).to_string());
    write("b-bad.json", stories::patients(2).to_string().replace("transaction", "nonsense"));
    write("c-broken.json", "{".to_owned());
    write("d-good.json", stories::patients(3).to_string());
    let loaded = fk.run(&["load", &folder.path().display().to_string()]);
    assert_eq!(loaded.status.code(), Some(1));
    let said = String::from_utf8_lossy(&loaded.stderr);
    assert!(said.contains("b-bad.json") && said.contains("c-broken.json"), "{said}");
    assert!(!said.contains("a-good.json") || said.contains("4 files"), "{said}");
    let count = fk.as_contributor().await.get("/Patient?_summary=count").await.ok().json();
    assert_eq!(count["total"], 3);
}
