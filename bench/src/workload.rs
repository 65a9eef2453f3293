//! The workloads, each against ours and against its probe, in turns.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::driver::{self, Measured, Target};
use crate::firekeep::Firekeep;
use crate::probe::Probe;
use crate::report::Report;
use crate::{json_parse, raw_commit, search, search_values, validate_structure, xml};

/// How often each measurement is taken; the one in the middle counts.
const ROUNDS: usize = 3;

/// A Patient of an ordinary size.
const PATIENT: &[u8] = include_bytes!("patient.json");

/// What all workloads share.
pub struct Setting {
    /// The server's binary.
    pub binary: PathBuf,
    /// The time of each measurement.
    pub time: Duration,
    /// Concurrent clients.
    pub clients: usize,
    /// The folder with Synthea bundles.
    pub synthea: PathBuf,
    /// Other servers, as `NAME=URL`.
    pub peers: Vec<String>,
}

type Workload = fn(&Setting, &mut Report) -> anyhow::Result<()>;

/// All workloads by name.
pub const ALL: &[(&str, Workload)] = &[
    ("json", json),
    ("search-values", search_values),
    ("validate-structure", structure),
    ("xml", xml),
    ("start", start),
    ("read-by-id", read_by_id),
    ("create", create),
    ("search", search::run),
];

fn json(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let (ours, theirs) = json_parse::compare(&setting.synthea)?;
    let figure = |rate: f64| format!("{rate:.0} MB/s");
    report.figures("json, Synthea", [figure(ours), figure(theirs)], ours / theirs, "≥ 80 %");
    Ok(())
}

fn search_values(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let times = search_values::measure(&setting.synthea)?;
    let limit = 15.0;
    let figures = [format!("{:.1} / {:.1} µs", times.median, times.p99), format!("{limit} µs")];
    report.figures("search values, Synthea resource", figures, times.median / limit, "≤ 100 %");
    Ok(())
}

fn structure(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let (median, goal) = (
        validate_structure::median(&setting.synthea.join(json_parse::ARCHIVE))?,
        Duration::from_micros(10),
    );
    let figure = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    let ratio = median.as_secs_f64() / goal.as_secs_f64();
    report.figures("validate structure, Synthea", [figure(median), figure(goal)], ratio, "≤ 100 %");
    Ok(())
}

fn xml(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let (reading, writing) = xml::rates(&setting.synthea)?;
    let limit = 150.0;
    for (name, rate) in [("XML in, Synthea", reading), ("XML out, Synthea", writing)] {
        let figures = [format!("{rate:.0} MB/s"), format!("{limit:.0} MB/s")];
        report.figures(name, figures, rate / limit, "≥ 100 %");
    }
    Ok(())
}

fn start(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let mut service = Firekeep::start(&setting.binary)?;
    for _ in 0..200 {
        service.create(PATIENT)?;
    }
    let mut times = Vec::new();
    for _ in 0..9 {
        times.push(service.restart(&setting.binary)?);
    }
    times.sort();
    let time = times.get(4).copied().context("nine starts")?.as_secs_f64() * 1_000.0;
    let limit = 150.0;
    let figures = [format!("{time:.0} ms"), format!("{limit:.0} ms")];
    report.figures("second start", figures, time / limit, "≤ 100 %");
    Ok(())
}

fn read_by_id(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let service = Firekeep::start(&setting.binary)?;
    let path = service.create(PATIENT)?;
    let probe = Probe::start(service.folder(), PATIENT, &service.token)?;
    let request = |host: SocketAddr| {
        let head = head("GET", &path, host, &service.token);
        Arc::from(format!("{head}\r\n").into_bytes())
    };
    for (name, ours, theirs, tls, goal) in [
        ("read by id, http", service.address("/http")?, probe.plain, None, "≥ 70 %"),
        (
            "read by id, TLS",
            service.address("/authority")?,
            probe.secure,
            Some(service.trust()?),
            "≥ 80 %",
        ),
    ] {
        let target = |address: SocketAddr| Target {
            address,
            tls: tls.clone(),
            request: request(address),
            status: 200,
        };
        let (ours, theirs) = in_turns(
            || driver::run(&target(ours), setting.clients, setting.time),
            || driver::run(&target(theirs), setting.clients, setting.time),
        )?;
        report.pair(name, &ours, &theirs, goal);
    }
    Ok(())
}

fn create(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let service = Firekeep::start(&setting.binary)?;
    let address = service.address("/http")?;
    let head = head("POST", "/Patient", address, &service.token);
    let length = PATIENT.len();
    let head =
        format!("{head}Content-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n");
    let request: Arc<[u8]> = [head.as_bytes(), PATIENT].concat().into();
    let target = Target { address, tls: None, request, status: 201 };
    for clients in [1, setting.clients] {
        let (ours, theirs) = in_turns(
            || driver::run(&target, clients, setting.time),
            || raw_commit::run(PATIENT, clients, setting.time),
        )?;
        let goal = if clients == 1 { "one sync" } else { "≥ 60 %" };
        report.pair(&format!("create, {clients} clients"), &ours, &theirs, goal);
    }
    Ok(())
}

fn head(method: &str, path: &str, host: SocketAddr, token: &str) -> String {
    let port = host.port();
    format!(
        "{method} /fhir/main-demo{path} HTTP/1.1\r\nHost: localhost:{port}\r\n\
         Authorization: Bearer {token}\r\nAccept: application/fhir+json\r\n"
    )
}

/// Ours and the probe alternately, so that a busy moment of the machine hits both; the medians.
fn in_turns(
    ours: impl Fn() -> anyhow::Result<Measured>,
    probe: impl Fn() -> anyhow::Result<Measured>,
) -> anyhow::Result<(Measured, Measured)> {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        a.push(ours()?);
        b.push(probe()?);
    }
    Ok((driver::median(a).context("rounds")?, driver::median(b).context("rounds")?))
}
