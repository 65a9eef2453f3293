//! What the server answered to a bundle or a resource: how many resources are in, and why others
//! are not.

use serde::Deserialize;

/// The outcome of one request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Resources that are in.
    pub(crate) resources: u64,
    /// One sentence per resource, or per bundle, that is not.
    pub(crate) failures: Vec<String>,
}

#[derive(Deserialize)]
struct Bundle {
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    response: Option<Response>,
}

#[derive(Deserialize)]
struct Response {
    status: String,
    outcome: Option<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    #[serde(default)]
    issue: Vec<Issue>,
}

#[derive(Deserialize)]
struct Issue {
    severity: Option<String>,
    diagnostics: Option<String>,
    details: Option<Details>,
}

#[derive(Deserialize)]
struct Details {
    text: Option<String>,
}

/// The answer to a bundle that was taken: a batch may still have entries that were refused.
pub(crate) fn of_bundle(body: &[u8]) -> Reply {
    let Ok(bundle) = serde_json::from_slice::<Bundle>(body) else {
        return refused("200", b"the answer is not a Bundle");
    };
    let mut reply = Reply::default();
    for (index, entry) in bundle.entry.into_iter().enumerate() {
        match entry.response {
            Some(response) if !response.status.starts_with('2') => {
                let why = response.outcome.map(|it| sentence(&it)).unwrap_or_default();
                reply.failures.push(format!("entry {index}: {} {why}", response.status));
            }
            Some(_) | None => reply.resources += 1,
        }
    }
    reply
}

/// The answer to a resource that was taken.
pub(crate) fn of_resource() -> Reply {
    Reply { resources: 1, failures: Vec::new() }
}

/// A refusal: the status, and what the OperationOutcome says.
pub(crate) fn refused(status: &str, body: &[u8]) -> Reply {
    let outcome = serde_json::from_slice::<Outcome>(body).map(|it| sentence(&it));
    let why = outcome.ok().filter(|it| !it.is_empty()).unwrap_or_else(|| {
        let text = String::from_utf8_lossy(body);
        text.lines().next().unwrap_or_default().chars().take(200).collect()
    });
    let failure = if why.is_empty() { status.to_owned() } else { format!("{status}: {why}") };
    Reply { resources: 0, failures: vec![failure] }
}

/// The texts of all issues but the informational ones.
fn sentence(outcome: &Outcome) -> String {
    let worth = |issue: &&Issue| issue.severity.as_deref() != Some("information");
    let text = |issue: &Issue| {
        let details = issue.details.as_ref().and_then(|it| it.text.clone());
        issue.diagnostics.clone().or(details)
    };
    let texts: Vec<String> = outcome.issue.iter().filter(worth).filter_map(text).collect();
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_counts_its_entries() {
        let body = br#"{"resourceType":"Bundle","entry":[{"response":{"status":"201 Created"}},
            {"response":{"status":"200"}}]}"#;
        assert_eq!(of_bundle(body), Reply { resources: 2, failures: vec![] });
    }

    #[test]
    fn an_entry_of_a_batch_may_be_refused() {
        let body =
            br#"{"entry":[{"response":{"status":"201"}},{"response":{"status":"400","outcome":
            {"issue":[{"severity":"error","diagnostics":"No such type."}]}}}]}"#;
        let failures = vec!["entry 1: 400 No such type.".to_owned()];
        assert_eq!(of_bundle(body), Reply { resources: 1, failures });
    }

    #[test]
    fn a_refusal_tells_the_texts_of_the_outcome() {
        let body = br#"{"issue":[{"severity":"error","diagnostics":"One."},
            {"severity":"information","diagnostics":"x"},{"details":{"text":"Two."}}]}"#;
        let failures = vec!["412 Precondition Failed: One. Two.".to_owned()];
        assert_eq!(refused("412 Precondition Failed", body), Reply { resources: 0, failures });
        assert_eq!(refused("502", b"").failures, ["502"]);
        assert_eq!(refused("502", b"bad gateway\nmore").failures, ["502: bad gateway"]);
    }
}
