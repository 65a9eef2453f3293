//! <https://hl7.org/fhir/R4/http.html#history>

use authority::DataAction;
use store::{HistoryOf, Key};

use super::context::Context;
use super::outcome::Outcome;
use super::refusal;
use super::search::listing::{self, Listing};
use crate::exchange::Answer;

/// Everything that can go wrong with a history, in the order in which it is checked.
#[derive(Debug)]
pub(crate) enum Refusal {
    Listing(listing::Refusal),
    /// 404: a resource that never was has no history.
    NotFound(Key),
}

impl<T: Into<listing::Refusal>> From<T> for Refusal {
    fn from(refusal: T) -> Self {
        Self::Listing(refusal.into())
    }
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Listing(refusal) => refusal.into(),
            Refusal::NotFound(key) => refusal::not_found(&key),
        }
    }
}

/// `GET [base]/_history`, `[base]/[type]/_history`, `[base]/[type]/[id]/_history`: versions, newest
/// first, deletions among them.
pub(crate) async fn history(cx: &Context<'_>, of: HistoryOf) -> Result<Answer, Refusal> {
    cx.allow(DataAction::Read)?;
    if let HistoryOf::Instance(key) = of {
        cx.snapshot().current(&key)?.ok_or(Refusal::NotFound(key))?;
    }
    Ok(listing::list(cx, Listing::History(of), &[cx.query]).await?)
}
