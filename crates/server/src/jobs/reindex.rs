//! `$reindex`: goes through the resources of a service and finds their search values anew.
//!
//! Where it is stands in the store after every step, so that it goes on there after a restart. It
//! walks the current versions in the order of their rids: what is written meanwhile comes later in
//! that order and has its values already, so the end is reached when nothing is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use base::{Fault, ids};
use serde::{Deserialize, Serialize};
use store::{Indexed, ParameterId, Rid, SearchPlan, Store, TypeId, TypeSearch};

use crate::app::App;
use crate::fhir::search::listing;
use crate::fhir::values::Indexing;
use crate::fhir::{resource, types};
use crate::service::Service;

/// Under which name the store keeps the job.
const JOB: &str = "reindex";
/// Resources in a step unless the job says otherwise: commits wait while one is written.
pub(crate) const STEP: usize = 200;

/// A job, as it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: String,
    /// The types it is about; none is all of them.
    pub(crate) types: Vec<String>,
    pub(crate) state: State,
    pub(crate) total: u64,
    pub(crate) done: u64,
    /// How it goes on.
    pub(crate) pace: Pace,
    /// The rid of the last version that was looked at.
    after: u64,
    /// In ticks.
    pub(crate) queued: i64,
    pub(crate) ended: Option<i64>,
    /// Why it failed.
    pub(crate) why: Option<String>,
}

/// How fast a job goes on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Pace {
    /// Resources in a step.
    pub(crate) step: usize,
    /// Milliseconds between two steps.
    pub(crate) delay: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { step: STEP, delay: 0 }
    }
}

/// Azure's words for how a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Running,
    Completed,
    Canceled,
    Failed,
}

/// The latest job of a service, and the way to stop it.
pub(crate) struct Running {
    job: ArcSwapOption<Job>,
    cancel: AtomicBool,
    /// Whether a thread works on it.
    at_work: AtomicBool,
}

/// Why a job was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// One runs already.
    Running(Arc<Job>),
    Fault(Fault),
}

impl From<Fault> for NotBegun {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Running {
    pub(crate) fn of(store: &Store) -> Result<Self, Fault> {
        let kept = store.kept(JOB)?;
        let job = kept.and_then(|bytes| serde_json::from_slice::<Job>(&bytes).ok());
        let (cancel, at_work) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Self { job: ArcSwapOption::new(job.map(Arc::new)), cancel, at_work })
    }

    /// The latest job.
    pub(crate) fn job(&self) -> Option<Arc<Job>> {
        self.job.load_full()
    }

    /// Has the job stop before its next step; false when none runs.
    pub(crate) fn cancel(&self) -> bool {
        let runs = self.job().is_some_and(|job| job.state == State::Running);
        self.cancel.store(runs, Ordering::Release);
        runs
    }

    fn keep(&self, store: &Store, job: Job) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(&job);
        store.keep(JOB, &bytes.map_err(|error| Fault::new("keeping a job", error))?)?;
        self.job.store(Some(Arc::new(job)));
        Ok(())
    }
}

/// Goes on with what a restart interrupted, or makes the index of an older store.
pub(crate) fn go_on(app: &Arc<App>, service: &Arc<Service>) -> Result<(), Fault> {
    let job = service.index.job.job();
    match job.filter(|job| job.state == State::Running) {
        Some(job) => {
            tracing::info!(service = %service.id, job = job.id, "the reindex job goes on");
            work(app, service)
        }
        None if service.index.is_whole() => Ok(()),
        None => match begin(app, service, &[], Pace::default()) {
            Ok(job) => {
                tracing::info!(service = %service.id, job = job.id, "older data is indexed");
                Ok(())
            }
            Err(NotBegun::Running(_)) => Ok(()),
            Err(NotBegun::Fault(fault)) => Err(fault),
        },
    }
}

/// Begins a job for some types, or for all. Blocks while its beginning is kept.
pub(crate) fn begin(
    app: &Arc<App>,
    service: &Arc<Service>,
    of: &[TypeId],
    pace: Pace,
) -> Result<Arc<Job>, NotBegun> {
    let running = &service.index.job;
    if let Some(job) = running.job().filter(|job| job.state == State::Running) {
        return Err(NotBegun::Running(job));
    }
    let job = Job {
        id: ids::guid(&*app.random).to_string(),
        types: of.iter().map(|number| types::name(*number).to_owned()).collect(),
        state: State::Running,
        total: service.store.snapshot().count(&plan(of)).map_err(listing::fault)?,
        done: 0,
        pace,
        after: 0,
        queued: app.clock.now().ticks(),
        ended: None,
        why: None,
    };
    running.cancel.store(false, Ordering::Release);
    running.keep(&service.store, job.clone())?;
    work(app, service)?;
    Ok(Arc::new(job))
}

fn plan(of: &[TypeId]) -> SearchPlan {
    let all = types::numbers().collect::<Vec<_>>();
    let of = if of.is_empty() { &all } else { of };
    let types = of.iter().copied().map(TypeSearch::everything).collect();
    SearchPlan { types, most: STEP, ..SearchPlan::default() }
}

/// Starts the thread that works on the job.
fn work(app: &Arc<App>, service: &Arc<Service>) -> Result<(), Fault> {
    if service.index.job.at_work.swap(true, Ordering::AcqRel) {
        return Ok(());
    }
    let (app, service) = (Arc::clone(app), Arc::clone(service));
    let thread = std::thread::Builder::new().name("reindex".to_owned());
    let started = thread.spawn(move || {
        let ended = run(&app, &service);
        service.index.job.at_work.store(false, Ordering::Release);
        if let Err(fault) = ended.or_else(|fault| fail(&app, &service, &fault)) {
            tracing::error!(service = %service.id, %fault, "the reindex job could not be kept");
        }
    });
    started.map(drop).map_err(|error| Fault::new("starting a thread", error))
}

fn run(app: &App, service: &Service) -> Result<(), Fault> {
    let running = &service.index.job;
    let Some(job) = running.job() else { return Ok(()) };
    let mut job = Job::clone(&job);
    let of = job.types.iter().filter_map(|name| types::number(name)).collect::<Vec<_>>();
    // What is defined from here on is not promised.
    let indexing = Indexing::of_service(app, service)?;
    let promised = promised(&indexing, &of);
    let mut plan = SearchPlan { most: job.pace.step, ..plan(&of) };
    plan.after = Some(Rid(job.after)).filter(|rid| rid.0 > 0);
    loop {
        if running.cancel.swap(false, Ordering::AcqRel) {
            return end(app, service, Job { state: State::Canceled, ..job });
        }
        let snapshot = service.store.snapshot();
        let page = snapshot.search(&plan).map_err(listing::fault)?;
        let mut indexed = Vec::with_capacity(page.rids.len());
        for version in snapshot.versions(&page.rids)? {
            let whole = resource::whole(&version)?;
            let (forward, compartments) = indexing.values(version.key, whole.root());
            indexed.push(Indexed { rid: version.rid, forward, compartments });
        }
        service.store.reindex(&indexed)?;
        job.done += indexed.len() as u64;
        job.total = job.total.max(job.done);
        plan.after = page.rids.last().copied().or(plan.after);
        job.after = plan.after.map_or(0, |rid| rid.0);
        if !page.more {
            break;
        }
        running.keep(&service.store, job.clone())?;
        if job.pace.delay > 0 {
            std::thread::park_timeout(Duration::from_millis(job.pace.delay));
        }
    }
    service.index.completed(&service.store, &promised, of.is_empty())?;
    end(app, service, Job { state: State::Completed, ..job })
}

/// The own parameters that the index is complete for after the job.
fn promised(indexing: &Indexing, of: &[TypeId]) -> Vec<ParameterId> {
    let own = indexing.catalogue().own().into_iter();
    let own = own.filter(|(number, _)| of.is_empty() || of.contains(number));
    own.map(|(_, known)| known.id).collect()
}

fn end(app: &App, service: &Service, job: Job) -> Result<(), Fault> {
    let state = format!("{:?}", job.state);
    tracing::info!(service = %service.id, job = job.id, done = job.done, state, "reindex ended");
    let ended = Some(app.clock.now().ticks());
    service.index.job.keep(&service.store, Job { ended, ..job })
}

fn fail(app: &App, service: &Service, fault: &Fault) -> Result<(), Fault> {
    tracing::error!(service = %service.id, %fault, "the reindex job failed");
    let Some(job) = service.index.job.job() else { return Ok(()) };
    let why = Some("The store or its disk failed; the log of the server says how.".to_owned());
    end(app, service, Job { state: State::Failed, why, ..Job::clone(&job) })
}
