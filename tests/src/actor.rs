//! Somebody who makes requests.

use reqwest::Method;
use serde_json::Value;

use crate::Reply;

/// An identity and the address it talks to.
#[derive(Clone)]
pub struct Actor {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Actor {
    /// Talks to `base` (no trailing slash) with `token`.
    pub fn new(client: reqwest::Client, base: String, token: Option<String>) -> Self {
        Self { client, base, token }
    }

    /// The same identity at another address.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same address with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The bearer token; empty for nobody.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// The address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request to be completed with headers or a body of its own; `path` may be a whole URL.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::DELETE, path)).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(body)).await
    }

    /// PUT of JSON.
    pub async fn put(&self, path: &str, body: &Value) -> Reply {
        Reply::of(self.request(Method::PUT, path).json(body)).await
    }

    /// POST of a form.
    pub async fn form(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        Reply::of(self.request(Method::POST, path).form(form)).await
    }

    /// Any method with a text as FHIR JSON.
    pub async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request = self.request(method, path).header("Content-Type", "application/fhir+json");
        Reply::of(request.body(body)).await
    }

    /// All pages of a search or history, from the first on.
    pub async fn follow(&self, first: Reply) -> Vec<Value> {
        let mut bundle = first.json();
        let mut entries = Vec::new();
        loop {
            entries.extend(bundle["entry"].as_array().cloned().unwrap_or_default());
            let links = bundle["link"].as_array().cloned().unwrap_or_default();
            let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
                return entries;
            };
            bundle = self.get(next["url"].as_str().expect("a URL")).await.ok().json();
        }
    }
}
