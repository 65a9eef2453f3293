//! <https://hl7.org/fhir/R4/http.html#create>

use authority::DataAction;
use http::StatusCode;
use store::{Key, Operation, Outcome as Stored, PutCondition, TypeId};

use super::check::Expected;
use super::context::Context;
use super::incoming::Incoming;
use super::outcome::Outcome;
use super::refusal::General;
use super::{provenance, resource};
use crate::exchange::{Answer, Body};

/// Everything that can go wrong with a create, in the order in which it is checked.
pub(crate) enum Refusal {
    General(General),
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
        }
    }
}

/// `POST [base]/[type]`: a new resource under an id of ours; the client's is ignored.
pub(crate) async fn create(
    cx: &Context<'_>,
    resource_type: TypeId,
    body: Body,
) -> Result<Answer, Refusal> {
    begin(cx)?;
    let key = Key { resource_type, id: cx.new_id()? };
    let expected = Expected { resource_type, id: None };
    let Incoming { stripped, content } = Incoming::read(cx, body, (expected, key)).await?;
    let put = Operation::Put { key, condition: PutCondition::Absent, content };
    let provenance = provenance::of_version(cx, key, 1).await?;
    let committed = cx.commit_all([put].into_iter().chain(provenance).collect()).await?;
    match committed.outcomes.first() {
        Some(Stored::Created(head)) => {
            Ok(resource::written(cx, StatusCode::CREATED, head, &stripped))
        }
        other => Err(General::bug(&format!("a create came to {other:?}")).into()),
    }
}

/// What is checked before the body is read.
pub(crate) fn begin(cx: &Context<'_>) -> Result<(), Refusal> {
    cx.allow(DataAction::Write)?;
    Ok(cx.only_parameters(&[])?)
}
