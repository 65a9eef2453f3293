//! The workloads, each against ours and against its probe, in turns.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::driver::{self, Measured, Requests, Target};
use crate::firekeep::Firekeep;
use crate::probe::Probe;
use crate::report::{Report, Rounds};
use crate::{json_parse, raw_commit, search, search_values, validate_structure, xml};

/// How often each measurement is taken; the one in the middle counts.
const ROUNDS: usize = 7;
/// Of Synthea so many resources of all types are created in turns.
const SYNTHEA: usize = 5_000;

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
    let request = |host: SocketAddr| -> Requests {
        let head = head("GET", &path, host, &service.token);
        Arc::from([format!("{head}\r\n").into_bytes().into()])
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
            requests: request(address),
            status: 200,
        };
        let rounds = in_turns(
            || driver::run(&target(ours), setting.clients, setting.time),
            || driver::run(&target(theirs), setting.clients, setting.time),
        )?;
        report.rounds(name, &rounds, goal);
    }
    Ok(())
}

/// The same Patient again and again, as clients send what is alike, and resources of all types.
fn create(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let resources = json_parse::resources(&setting.synthea.join(json_parse::ARCHIVE))?;
    let synthea: Requests = resources.iter().take(SYNTHEA).map(|it| it[..].into()).collect();
    let patient: Requests = Arc::from([PATIENT.into()]);
    for (what, clients, bodies, goal) in [
        ("create", 1, &patient, "one sync"),
        ("create", setting.clients, &patient, "≥ 60 %"),
        ("create, Synthea", setting.clients, &synthea, ""),
    ] {
        let service = Firekeep::start(&setting.binary)?;
        let address = service.address("/http")?;
        let requests = bodies.iter().map(|body| post(body, address, &service.token));
        let requests = requests.collect::<anyhow::Result<Requests>>()?;
        let target = Target { address, tls: None, requests, status: 201 };
        let rounds = in_turns(
            || driver::run(&target, clients, setting.time),
            || raw_commit::run(bodies, clients, setting.time),
        )?;
        report.rounds(&format!("{what}, {clients} clients"), &rounds, goal);
    }
    Ok(())
}

fn post(body: &[u8], host: SocketAddr, token: &str) -> anyhow::Result<Box<[u8]>> {
    let resource = json::Document::parse(body.to_vec(), &json::Limits::default())?;
    let name = resource.root().get("resourceType").and_then(|name| name.as_str());
    let head = head("POST", &format!("/{}", name.context("a type")?), host, token);
    let length = body.len();
    let head =
        format!("{head}Content-Type: application/fhir+json\r\nContent-Length: {length}\r\n\r\n");
    Ok([head.as_bytes(), body].concat().into())
}

fn head(method: &str, path: &str, host: SocketAddr, token: &str) -> String {
    let port = host.port();
    format!(
        "{method} /fhir/main-demo{path} HTTP/1.1\r\nHost: localhost:{port}\r\n\
         Authorization: Bearer {token}\r\nAccept: application/fhir+json\r\n"
    )
}

/// Ours and the probe alternately, so that a busy moment of the machine hits both.
fn in_turns(
    ours: impl Fn() -> anyhow::Result<Measured>,
    probe: impl Fn() -> anyhow::Result<Measured>,
) -> anyhow::Result<Rounds> {
    (0..ROUNDS).map(|_| Ok([ours()?, probe()?])).collect()
}
