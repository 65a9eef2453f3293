//! <https://learn.microsoft.com/azure/healthcare-apis/fhir/how-to-run-a-reindex>: `$reindex`, and
//! the job that it begins.

use std::ops::RangeInclusive;
use std::sync::Arc;

use authority::DataAction;
use base::Timestamp;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_LOCATION};
use json::Writer;
use store::{Indexed, Key, TypeId};
use uuid::Uuid;

use super::Level;
use super::input::{Input, wrong};
use crate::edge::blocking;
use crate::exchange::Answer;
use crate::fhir::context::Context;
use crate::fhir::outcome::{CONTENT_TYPE, Outcome};
use crate::fhir::read::{self, Refusal};
use crate::fhir::refusal::General;
use crate::fhir::values::Indexing;
use crate::fhir::{resource, types};
use crate::jobs::reindex::{self, Job, NotBegun, Pace, State};

/// How many threads Azure's service may use. A job of ours goes on one; the answer says so.
const CONCURRENCY: &str = "maximumConcurrency";
const DELAY: &str = "queryDelayIntervalInMilliseconds";
const STEP: &str = "maximumNumberOfResourcesPerQuery";
/// Types that the job is about, separated by commas; all when there are none.
const TYPES: &str = "targetResourceTypes";

/// `POST [base]/$reindex` begins a job; `GET|POST [base]/TYPE/ID/$reindex` shows the values of one
/// resource, and with POST indexes it anew.
pub(crate) async fn reindex(
    cx: &Context<'_>,
    level: Level,
    input: Input,
    is_post: bool,
) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Reindex)?;
    match level {
        Level::Instance(key) => Ok(one(cx, key, &input, is_post)?),
        Level::System | Level::Type(_) if !is_post => Err(Outcome::error(
            StatusCode::METHOD_NOT_ALLOWED,
            "not-supported",
            "A reindex job begins with POST. GET /_operations/reindex/ID tells how one stands.",
        )
        .with(ALLOW, "POST")),
        Level::Type(number) => begin(cx, &input, vec![number]).await,
        Level::System => begin(cx, &input, Vec::new()).await,
    }
}

async fn begin(cx: &Context<'_>, input: &Input, mut of: Vec<TypeId>) -> Result<Answer, Outcome> {
    input.only_parameters(&[CONCURRENCY, DELAY, STEP, TYPES])?;
    within(input, CONCURRENCY, 1..=10)?;
    let delay = within(input, DELAY, 0..=500_000)?.unwrap_or(0) as u64;
    let pace = Pace { step: within(input, STEP, 1..=5_000)?.unwrap_or(reindex::STEP), delay };
    for text in input.texts(TYPES) {
        for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let unknown = || wrong("value", format!("FHIR R4 has no resource type '{name}'."));
            of.push(types::number(name).ok_or_else(unknown)?);
        }
    }
    let (app, service) = (cx.app.clone(), cx.service.clone());
    let begun = blocking::run(move || reindex::begin(&app, &service, &of, pace)).await;
    match begun.map_err(General::from)? {
        Ok(job) => {
            let location = format!("{}/_operations/reindex/{}", cx.base, job.id);
            let answer = Answer::of(StatusCode::CREATED, CONTENT_TYPE, told(&job));
            Ok(answer.with_text(CONTENT_LOCATION, &location))
        }
        Err(NotBegun::Running(job)) => Err(Outcome::error(
            StatusCode::CONFLICT,
            "conflict",
            format!(
                "The reindex job {} is running, and there is one at a time. Look at \
                 {}/_operations/reindex/{}, or DELETE it.",
                job.id, cx.base, job.id
            ),
        )),
        Err(NotBegun::Fault(fault)) => Err(General::from(fault).into()),
    }
}

fn within(
    input: &Input,
    name: &str,
    allowed: RangeInclusive<usize>,
) -> Result<Option<usize>, General> {
    let number = input.number(name)?;
    match number.filter(|number| !allowed.contains(number)) {
        None => Ok(number),
        Some(_) => {
            let (least, most) = (allowed.start(), allowed.end());
            Err(wrong("value", format!("{name} is a number from {least} to {most}.")))
        }
    }
}

/// `GET [base]/_operations/reindex/[id]`: how the job stands.
pub(crate) fn status(cx: &Context<'_>, id: Uuid) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Reindex)?;
    let job = job(cx, id)?;
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, told(&job)))
}

/// `DELETE [base]/_operations/reindex/[id]`: ends the job before its next step.
pub(crate) fn cancel(cx: &Context<'_>, id: Uuid) -> Result<Answer, Outcome> {
    cx.allow(DataAction::Reindex)?;
    job(cx, id)?;
    if cx.service.index.job.cancel() {
        return Ok(Answer::empty(StatusCode::ACCEPTED));
    }
    let text = "The job has ended; there is nothing to cancel.";
    Err(Outcome::error(StatusCode::CONFLICT, "conflict", text))
}

fn job(cx: &Context<'_>, id: Uuid) -> Result<Arc<Job>, Outcome> {
    let job = cx.service.index.job.job().filter(|job| job.id == id.to_string());
    job.ok_or_else(|| {
        let text = format!("There is no reindex job {id}. Only the latest one is kept.");
        Outcome::error(StatusCode::NOT_FOUND, "not-found", text)
    })
}

fn one(cx: &Context<'_>, key: Key, input: &Input, is_post: bool) -> Result<Answer, Refusal> {
    input.only_parameters(&[])?;
    let version = read::current(&cx.snapshot(), key)?;
    let whole = resource::whole(&version)?;
    let indexing = Indexing::of(cx)?;
    let found = indexing.told(key, whole.root());
    if is_post {
        let (forward, compartments) = indexing.values(key, whole.root());
        cx.service.store.reindex(&[Indexed { rid: version.rid, forward, compartments }])?;
    }
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    writer.begin_object().key("resourceType").string("Parameters").key("parameter").begin_array();
    for (code, value) in found {
        writer.begin_object().key("name").string(&code).key("valueString").string(&value);
        writer.end_object();
    }
    writer.end_array().end_object();
    Ok(Answer::of(StatusCode::OK, CONTENT_TYPE, body))
}

/// The job as a Parameters resource, with Azure's names.
fn told(job: &Job) -> Vec<u8> {
    let mut body = Vec::new();
    let mut writer = Writer::new(&mut body);
    writer.begin_object().key("resourceType").string("Parameters").key("id").string(&job.id);
    writer.key("parameter").begin_array();
    let percent = (job.done * 100).checked_div(job.total).unwrap_or(100);
    let (state, progress) = (format!("{:?}", job.state), percent.to_string());
    let progress = if job.state == State::Completed { "100" } else { &progress };
    let instant = |ticks| resource::instant(Timestamp::from_ticks(ticks));
    let mut add = |name: &str, kind: &str, value: &str, is_text: bool| {
        writer.begin_object().key("name").string(name).key(kind);
        match is_text {
            true => writer.string(value),
            false => writer.number_text(value),
        };
        writer.end_object();
    };
    add("id", "valueString", &job.id, true);
    add("queuedTime", "valueDateTime", &instant(job.queued), true);
    if let Some(ended) = job.ended {
        add("endTime", "valueDateTime", &instant(ended), true);
    }
    add("totalResourcesToReindex", "valueDecimal", &job.total.to_string(), false);
    add("resourcesSuccessfullyReindexed", "valueDecimal", &job.done.to_string(), false);
    add("progress", "valueDecimal", progress, false);
    add("status", "valueString", &state, true);
    add("maximumConcurrency", "valueDecimal", "1", false);
    add("resources", "valueString", &job.types.join(","), true);
    if let Some(why) = &job.why {
        add("failureDetails", "valueString", why, true);
    }
    writer.end_array().end_object();
    body
}
