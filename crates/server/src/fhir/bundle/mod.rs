//! <https://hl7.org/fhir/R4/http.html#transaction>
//!
//! `entry.rs` reads what each entry asks for, `references.rs` knits entries together, `prepare.rs`
//! makes their resources ready on all cores, `transaction.rs` and `batch.rs` store them,
//! `response.rs` answers entry by entry.

mod batch;
mod entry;
mod prepare;
mod references;
mod resolve;
mod response;
mod transaction;
pub(crate) mod writer;

pub(crate) use entry::{bases, reference};
pub(crate) use references::{conditionals, resolve};

use authority::DataAction;
use base::limits::BUNDLE_ENTRIES;
use bytes::Bytes;
use http::StatusCode;
use json::{Document, Kind, Value};

use super::check;
use super::context::Context;
use super::incoming::{LONG, parse};
use super::outcome::{Issue, Outcome};
use super::refusal::General;
use crate::edge::blocking;
use crate::exchange::{Answer, Body};

/// What entries may be allowed by, besides `read`; each is asked for its own.
const ANY_ENTRY: &[DataAction] = &[
    DataAction::Write,
    DataAction::Delete,
    DataAction::HardDelete,
    DataAction::ResourceValidate,
    DataAction::Reindex,
    DataAction::SearchParameter,
];

/// Everything that can be wrong with a Bundle as a whole, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    General(General),
    /// 400: the body is not a batch or a transaction.
    NotOne(Issue),
    /// 413: more entries than are taken at once.
    TooMany(usize),
    /// An entry cannot be done, and so nothing is: its own refusal, which names the entry.
    Entry(Outcome),
}

impl<T: Into<General>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::General(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::General(refusal) => refusal.into(),
            Refusal::NotOne(issue) => Self::new(StatusCode::BAD_REQUEST, vec![issue]),
            Refusal::TooMany(found) => Self::error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-costly",
                format!(
                    "The Bundle has {found} entries; at most {BUNDLE_ENTRIES} are taken at once. \
                     Send it in parts."
                ),
            ),
            Refusal::Entry(outcome) => outcome,
        }
    }
}

/// `POST [base]`: many interactions at once, all or nothing (`transaction`) or each on its own
/// (`batch`).
pub(crate) async fn bundle(cx: &Context<'_>, body: Body) -> Result<Answer, Refusal> {
    cx.only_parameters(&[])?;
    cx.allow_any(DataAction::Read, ANY_ENTRY)?;
    let bytes = cx.read(body).await?;
    let bundle = if bytes.len() > LONG {
        blocking::run(move || Bundle::read(bytes)).await??
    } else {
        Bundle::read(bytes)?
    };
    match bundle.kind {
        Type::Transaction => transaction::transaction(cx, bundle.document).await,
        Type::Batch => batch::batch(cx, bundle.document, bundle.faults).await,
    }
}

enum Type {
    Batch,
    Transaction,
}

struct Bundle {
    document: Document,
    kind: Type,
    /// What is wrong with single entries of a batch, by their places.
    faults: Vec<(usize, Issue)>,
}

impl Bundle {
    fn read(bytes: Bytes) -> Result<Self, Refusal> {
        let document = parse(bytes)?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(not_one(
                "structure",
                "The body is not a Bundle but no JSON object at all.",
            ));
        }
        if !root.get("resourceType").is_some_and(|name| name.is_str("Bundle")) {
            let text = "The body is not a Bundle. To the base of the service go Bundles of type \
                        batch or transaction; a single resource goes to its type: /Patient.";
            return Err(not_one("invariant", text));
        }
        let named = root.get("type").and_then(Value::as_str);
        let kind = match named.as_deref() {
            Some("batch") => Type::Batch,
            Some("transaction") => Type::Transaction,
            other => {
                let other = other.unwrap_or("none");
                let text = format!(
                    "The Bundle's type is '{other}'. To the base of the service go Bundles of type \
                     batch or transaction; others are stored by POST /Bundle."
                );
                return Err(Refusal::NotOne(Issue::error("value", text).at("Bundle.type")));
            }
        };
        let entries = root.get("entry");
        if entries.is_some_and(|entries| entries.kind() != Kind::Array) {
            return Err(not_one("structure", "Bundle.entry is not an array."));
        }
        let found = entries.map_or(0, Value::len);
        if found > BUNDLE_ENTRIES {
            return Err(Refusal::TooMany(found));
        }
        let faults = check::bundle(&document)?;
        if matches!(kind, Type::Transaction) && !faults.is_empty() {
            let issues = faults.into_iter().map(|(_, issue)| issue).collect();
            return Err(General::Content(issues).into());
        }
        Ok(Self { document, kind, faults })
    }
}

fn not_one(code: &'static str, text: &str) -> Refusal {
    Refusal::NotOne(Issue::error(code, text))
}

/// The entries of a Bundle, in their order.
fn entries(document: &Document) -> impl Iterator<Item = Value<'_>> {
    document.root().get("entry").into_iter().flat_map(Value::elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: String, status: u16, word: &str) {
        let refusal = Bundle::read(text.into()).err().map(Outcome::from);
        let found =
            refusal.map(|outcome| (outcome.status.as_u16(), format!("{:?}", outcome.issues)));
        let fits =
            found.as_ref().is_some_and(|(code, text)| *code == status && text.contains(word));
        assert!(fits, "{found:?}");
    }

    fn with_entries(count: usize) -> String {
        let entries = vec![r#"{"fullUrl":"urn:x"}"#; count].join(",");
        format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}"#)
    }

    #[test]
    fn only_batches_and_transactions_are_taken() {
        refused("null".to_owned(), 400, "object");
        refused(r#"{"resourceType":"Patient"}"#.to_owned(), 400, "/Patient");
        refused(r#"{"resourceType":"Bundle"}"#.to_owned(), 400, "transaction");
        refused(r#"{"resourceType":"Bundle","type":"collection"}"#.to_owned(), 400, "transaction");
        refused(r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#.to_owned(), 400, "array");
    }

    #[test]
    fn the_number_of_entries_is_limited() {
        assert!(Bundle::read(with_entries(BUNDLE_ENTRIES).into()).is_ok());
        refused(with_entries(BUNDLE_ENTRIES + 1), 413, "10000");
    }
}
