//! <https://learn.microsoft.com/en-us/azure/healthcare-apis/fhir/purge-history>

use authority::DataAction;
use http::StatusCode;
use store::{Operation, Purged};

use super::Level;
use super::input::Input;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::refusal::General;

/// `POST` or `DELETE [base]/[type]/[id]/$purge-history`: 204; of the versions of the resource only
/// the current one is left. Also 204 when there was nothing to take away.
pub(crate) async fn purge_history(
    cx: &Context<'_>,
    level: Level,
    input: &Input,
) -> Result<Answer, General> {
    cx.allow(DataAction::HardDelete)?;
    input.only_parameters(&[])?;
    let Level::Instance(key) = level else {
        return Err(General::bug("$purge-history is on instances"));
    };
    cx.commit(Operation::PurgeHistory { key, which: Purged::AllButCurrent }).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}
