//! A FHIR server that is searched: ours, or any that `--peer NAME=URL` names.

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::StatusCode;
use reqwest::blocking::{Client, RequestBuilder, Response};
use serde_json::Value;

use super::data::Data;
use crate::firekeep::Firekeep;

/// Resources that are stored with one request.
const BATCH: usize = 200;
const FHIR_JSON: &str = "application/fhir+json";

/// Where a server answers, and as whom it is asked.
pub struct Server {
    /// What the report calls it.
    pub name: String,
    base: String,
    token: Option<String>,
    client: Client,
}

/// What counts of an answer.
pub struct Answer {
    /// `total`, or how many matches are on the page.
    pub matches: u64,
    /// The link to the next page.
    pub next: Option<String>,
}

impl Server {
    /// The server under test, over plain http.
    pub fn ours(service: &Firekeep) -> anyhow::Result<Self> {
        let base = format!("http://{}/fhir/main-demo", service.address("/http")?);
        Self::new("ours".to_owned(), base, Some(service.token.clone()))
    }

    /// `NAME=URL`; a bearer token comes from the environment variable `PEER_TOKEN`.
    pub fn peer(told: &str) -> anyhow::Result<Self> {
        let (name, url) = told.split_once('=').context("--peer takes NAME=URL")?;
        let base = url.trim_end_matches('/').to_owned();
        Self::new(name.to_owned(), base, std::env::var("PEER_TOKEN").ok())
    }

    fn new(name: String, base: String, token: Option<String>) -> anyhow::Result<Self> {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(300)).build()?;
        Ok(Self { name, base, token, client })
    }

    /// Stores the data under its own ids, unless as many resources are there already.
    pub fn fill(&self, data: &Data) -> anyhow::Result<()> {
        let counted = self.get("Observation?_summary=count").map_or(0, |answer| answer.matches);
        if counted > 0 {
            eprintln!("  {} holds {counted} observations and is not filled", self.name);
            return Ok(());
        }
        eprintln!("  {} is given {} resources …", self.name, data.count);
        let mut batch = Vec::with_capacity(BATCH);
        data.each(&mut |resource| {
            batch.push(resource);
            if batch.len() == BATCH { self.put(&mut batch) } else { Ok(()) }
        })?;
        self.put(&mut batch)
    }

    fn put(&self, batch: &mut Vec<String>) -> anyhow::Result<()> {
        let mut entries = Vec::with_capacity(batch.len());
        for resource in batch.drain(..) {
            let (kind, id) = name_of(&resource).context("a resource with its type and id first")?;
            entries.push(format!(
                r#"{{"resource":{resource},"request":{{"method":"PUT","url":"{kind}/{id}"}}}}"#
            ));
        }
        let entries = entries.join(",");
        let bundle = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}"#);
        let request = self.client.post(&self.base).header("Content-Type", FHIR_JSON).body(bundle);
        let answer: Value = self.send(request)?.json()?;
        let answers = answer["entry"].as_array().context("the answers of a batch")?;
        for answer in answers {
            let status = answer["response"]["status"].as_str().unwrap_or_default();
            ensure!(status.starts_with('2'), "{} refused a resource: {answer}", self.name);
        }
        Ok(())
    }

    /// Asks for a Bundle: by a path under the base, or by a link that the server gave.
    pub fn get(&self, path: &str) -> anyhow::Result<Answer> {
        let url = match path.starts_with("http") {
            true => path.to_owned(),
            false => format!("{}/{path}", self.base),
        };
        let bytes = self.send(self.client.get(url))?.bytes()?;
        let bundle: Value = serde_json::from_slice(&bytes)?;
        let on_page = bundle["entry"].as_array().map_or(0, Vec::len) as u64;
        let mut links = bundle["link"].as_array().into_iter().flatten();
        let next = links.find(|link| link["relation"] == "next");
        let next = next.and_then(|link| link["url"].as_str()).map(str::to_owned);
        Ok(Answer { matches: bundle["total"].as_u64().unwrap_or(on_page), next })
    }

    fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let request = request.header("Accept", FHIR_JSON);
        let answer = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = answer.send()?;
        if answer.status() != StatusCode::OK {
            bail!("{} answers {}: {}", self.name, answer.status(), answer.text()?);
        }
        Ok(answer)
    }
}

/// Type and id, which Synthea's lines begin with.
fn name_of(resource: &str) -> Option<(&str, &str)> {
    let rest = resource.strip_prefix(r#"{"resourceType":""#)?;
    let (kind, rest) = rest.split_once(r#"","id":""#)?;
    Some((kind, rest.split_once('"')?.0))
}
