//! A real service and what the oracle knows of it; asking both, and telling where they differ.

use std::collections::HashSet;

use reqwest::Method;
use serde_json::Value;
use stories::{Actor, Firekeep, Reply};

use super::evaluate::{Query, matches};
use super::result::{included, sort};
use super::world::{Key, Resource, World, from_text, to_text};

/// Pages of one query that are looked at.
const PAGES: usize = 12;

pub(super) struct Service {
    pub(super) app: Actor,
    pub(super) world: World,
}

impl Service {
    pub(super) async fn of(fk: &Firekeep) -> Self {
        let app = fk.as_contributor().await;
        let bases = vec![fk.says("/service/pathUrl"), fk.says("/service/url")];
        // Without TLS ten thousand queries take less time; the names of the service are the same.
        let path = bases[0].split_once("/fhir/").expect("a path").1;
        let app = app.at(&format!("{}/fhir/{path}", fk.says("/http")));
        let bases = [bases, vec![app.base().to_owned()]].concat();
        Self { app, world: World { bases, ..World::default() } }
    }

    /// Puts resources in one transaction, and notes what they became.
    pub(super) async fn put(&mut self, bodies: &[Value]) {
        let entry = |body: &Value| {
            let url = format!("{}/{}", text(&body["resourceType"]), text(&body["id"]));
            format!(
                r#"{{"resource":{},"request":{{"method":"PUT","url":"{url}"}}}}"#,
                to_text(body)
            )
        };
        let entries: Vec<String> = bodies.iter().map(entry).collect();
        let done = self.transaction(&entries).await;
        if bodies.is_empty() {
            return;
        }
        for (body, entry) in bodies.iter().zip(done["entry"].as_array().expect("entries")) {
            let meta = &entry["resource"]["meta"];
            let resource =
                Resource::new(body.clone(), text(&meta["versionId"]), text(&meta["lastUpdated"]));
            let same = self.world.resources.iter().find(|it| it.key == resource.key);
            // What changes nothing makes no version.
            if same.is_none_or(|same| same.version != resource.version) {
                self.world.write(resource);
            }
        }
    }

    pub(super) async fn delete(&mut self, keys: &[Key]) {
        let entry =
            |(of, id): &Key| format!(r#"{{"request":{{"method":"DELETE","url":"{of}/{id}"}}}}"#);
        let entries: Vec<String> = keys.iter().map(entry).collect();
        self.transaction(&entries).await;
        keys.iter().for_each(|key| self.world.delete(key));
    }

    pub(super) async fn clear(&mut self) {
        let keys: Vec<Key> = self.world.resources.iter().map(|it| it.key.clone()).collect();
        self.delete(&keys).await;
    }

    async fn transaction(&self, entries: &[String]) -> Value {
        if entries.is_empty() {
            return Value::Null;
        }
        let entries = entries.join(",");
        let body =
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#);
        from_text(&self.app.send(Method::POST, "", body).await.ok().text())
    }

    /// The world as the history of the whole system tells it.
    pub(super) async fn read_back(&mut self) {
        let mut versions: Vec<Value> = Vec::new();
        let mut url = "/_history?_count=1000&_sort=_lastUpdated".to_owned();
        loop {
            let bundle = from_text(&self.app.get(&url).await.ok().text());
            versions.extend(bundle["entry"].as_array().cloned().unwrap_or_default());
            match link(&bundle, "next") {
                Some(next) => url = next,
                None => break,
            }
        }
        self.world.resources.clear();
        for entry in versions {
            let url = text(&entry["request"]["url"]);
            let (of, id) = url.split_once('/').expect("a type and an id");
            match entry.get("resource") {
                Some(body) => {
                    let meta = body["meta"].clone();
                    let (version, updated) = (text(&meta["versionId"]), text(&meta["lastUpdated"]));
                    self.world.write(Resource::new(body.clone(), version, updated));
                }
                None => self.world.delete(&(of.to_owned(), id.to_owned())),
            }
        }
    }

    /// The first page.
    pub(super) async fn ask(&self, query: &Query) -> Reply {
        let form = url(&query.pairs);
        if query.by_post && !query.path.ends_with('*') {
            let path = match query.path.as_str() {
                "" => "/_search".to_owned(),
                path => format!("/{path}/_search"),
            };
            let request = self.app.request(Method::POST, &path);
            let request = request.header("Content-Type", "application/x-www-form-urlencoded");
            return Reply::of(request.body(form)).await;
        }
        self.app.get(&format!("/{}?{form}", query.path)).await
    }
}

/// What a query should find: the oracle's answer, for the snapshot that it was made for.
pub(super) struct Expected {
    world: World,
    query: Query,
    matches: Vec<(Key, String)>,
    seen: usize,
    pages: usize,
}

/// What is still to be looked at.
pub(super) enum Next {
    Page(String),
    End,
}

impl Expected {
    pub(super) fn of(world: &World, query: &Query) -> Self {
        let mut found = matches(world, query);
        sort(world, query, &mut found);
        let matches = found.iter().map(|it| (it.key.clone(), it.version.clone())).collect();
        Self { world: world.clone(), query: query.clone(), matches, seen: 0, pages: 0 }
    }

    pub(super) fn text(&self) -> String {
        let one = |(key, version): &(Key, String)| format!("{}/{}.{version}", key.0, key.1);
        self.matches.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// Compares a page with what it should be; the error says what is wrong with it.
    pub(super) fn check(&mut self, reply: &Reply) -> Result<Next, String> {
        if reply.status != 200 {
            return Err(format!("status {}: {}", reply.status, reply.text()));
        }
        let bundle: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let found = entries(&bundle, "match");
        if let Some(outcome) = entries(&bundle, "outcome").first() {
            let said = reply.text();
            // A circle is told; nothing else may be.
            let circle = "came back to where it had been";
            if !said.contains(circle) {
                return Err(format!("it was not heard ({outcome:?}): {said}"));
            }
        }
        let only_total =
            self.query.all("_summary").any(|it| it == "count") || self.query.count() == 0;
        self.check_total(&bundle, only_total)?;
        if only_total {
            return if found.is_empty() {
                Ok(Next::End)
            } else {
                Err("no entries were asked".into())
            };
        }
        let (from, most) = (self.seen, self.query.count());
        let to = (from + most).min(self.matches.len());
        let expected = &self.matches[from..to];
        if found != expected {
            let last = if to == self.matches.len() { ", the last" } else { "" };
            return Err(format!("matches {from} to {to}{last}: found {found:?}, not {expected:?}"));
        }
        self.check_includes(&bundle, from..to)?;
        self.seen = to;
        self.pages += 1;
        let next = link(&bundle, "next");
        match (next, to < self.matches.len()) {
            (Some(next), true) if self.pages < PAGES => Ok(Next::Page(next)),
            (Some(_), true) | (None, false) => Ok(Next::End),
            (Some(_), false) => Err("a page would follow the last".to_owned()),
            (None, true) => Err(format!("no page follows match {to}")),
        }
    }

    fn check_total(&self, bundle: &Value, only_total: bool) -> Result<(), String> {
        let asked = only_total || self.query.all("_total").any(|it| it == "accurate");
        match bundle.get("total").and_then(Value::as_u64) {
            Some(total) if total == self.matches.len() as u64 => Ok(()),
            None if !asked => Ok(()),
            total => Err(format!("total {total:?}, not {}", self.matches.len())),
        }
    }

    fn check_includes(&self, bundle: &Value, page: std::ops::Range<usize>) -> Result<(), String> {
        let page: Vec<Key> = self.matches[page].iter().map(|(key, _)| key.clone()).collect();
        let expected = included(&self.world, &self.query, &page);
        let found = entries(bundle, "include");
        let once: HashSet<(Key, String)> = found.iter().cloned().collect();
        if once.len() != found.len() {
            return Err(format!("included twice: {found:?}"));
        }
        let mut more: Vec<_> = once.difference(&expected).collect();
        let mut less: Vec<_> = expected.difference(&once).collect();
        more.sort();
        less.sort();
        if more.is_empty() && less.is_empty() {
            return Ok(());
        }
        Err(format!("includes: too much {more:?}, too little {less:?}"))
    }
}

/// The resources of a page, by why they are there.
fn entries(bundle: &Value, mode: &str) -> Vec<(Key, String)> {
    let all = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_mode = all.iter().filter(|entry| entry["search"]["mode"] == mode);
    let known = |entry: &Value| {
        let resource = &entry["resource"];
        let part = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (part(&resource["resourceType"]), part(&resource["id"]));
        (key, part(&resource["meta"]["versionId"]))
    };
    of_mode.map(known).collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array()?;
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str()?.to_owned())
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(super) fn url(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| {
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{name}={value}")
    };
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}
