//! What came back, with the expectations a story has of it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A whole answer.
#[derive(Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body's bytes.
    pub body: Vec<u8>,
}

impl Reply {
    /// Sends the request and reads the answer whole.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Self { status, headers, body: answer.bytes().await.expect("a body").to_vec() }
    }

    /// The answer must have this status.
    #[track_caller]
    pub fn status(self, expected: u16) -> Self {
        assert_eq!(self.status, expected, "{}", self.text());
        self
    }

    /// 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.status(200)
    }

    /// 201.
    #[track_caller]
    pub fn created(self) -> Self {
        self.status(201)
    }

    /// 204.
    #[track_caller]
    pub fn no_content(self) -> Self {
        self.status(204)
    }

    /// A refusal with this status whose OperationOutcome says `words` somewhere.
    #[track_caller]
    pub fn refused(self, status: u16, words: &str) -> Self {
        let reply = self.status(status);
        let outcome = reply.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
        assert!(reply.text().contains(words), "no '{words}' in: {}", reply.text());
        reply
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).map(|value| value.to_str().expect("text"));
        value.unwrap_or_default().to_owned()
    }

    /// The ids of the matches of a searchset.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        let bundle = self.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let matches = entries.iter().filter(|entry| entry["search"]["mode"] != "outcome");
        matches
            .map(|entry| entry["resource"]["id"].as_str().unwrap_or_default().to_owned())
            .collect()
    }
}
