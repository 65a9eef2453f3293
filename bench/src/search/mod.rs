//! Searches over the 147,645 resources of both Synthea sets, one client, against the limit of 50 ms
//! and against any other FHIR server.
//!
//! To add a search: one line in `queries.rs`. A server that does not hold the data is given it
//! first, by batches of PUT; servers whose numbers of matches differ are named.

mod data;
mod queries;
mod server;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;

use self::data::Data;
use self::queries::Search;
pub use self::server::Server;
use crate::firekeep::Firekeep;
use crate::report::Report;
use crate::workload::Setting;

/// No search may take longer than this at the 99th percentile.
const LIMIT: Duration = Duration::from_millis(50);
/// Requests of each search: few on a slow server, so that its run ends.
const MOST: usize = 400;

/// What one server took for one search.
struct Took {
    latencies: Histogram<u64>,
    /// Matches that all its answers told, those of the first requests only.
    matches: u64,
}

/// Measures all searches on ours and on each peer.
pub fn run(setting: &Setting, report: &mut Report) -> anyhow::Result<()> {
    let data = Data::read(&setting.synthea)?;
    let service = Firekeep::start(&setting.binary)?;
    let mut servers = vec![Server::ours(&service)?];
    for peer in &setting.peers {
        servers.push(Server::peer(peer)?);
    }
    for server in &servers {
        server.fill(&data)?;
    }
    for search in queries::all(&data) {
        let mut took = Vec::new();
        for server in &servers {
            took.push(measure(server, &search, setting.time)?);
        }
        tell(&search, &servers, &took, report)?;
    }
    Ok(())
}

/// Sends the requests of a search in turns, for some time but at least each once.
fn measure(server: &Server, search: &Search, time: Duration) -> anyhow::Result<Took> {
    let mut took = Took { latencies: Histogram::new(3)?, matches: 0 };
    let begin = Instant::now();
    for round in 0.. {
        for request in &search.requests {
            let mut next = Some(request.clone());
            for _ in 0..search.pages {
                let Some(path) = next.take() else { break };
                let sent = Instant::now();
                let answer =
                    server.get(&path).with_context(|| format!("{}: {path}", server.name))?;
                let micros = u64::try_from(sent.elapsed().as_micros())?;
                took.latencies.record(micros.max(1))?;
                took.matches += if round == 0 { answer.matches } else { 0 };
                next = answer.next;
            }
            let many = took.latencies.len() >= MOST as u64;
            if begin.elapsed() >= time && (many || round > 0 || begin.elapsed() >= time * 4) {
                return Ok(took);
            }
        }
    }
    Ok(took)
}

fn tell(
    search: &Search,
    servers: &[Server],
    took: &[Took],
    report: &mut Report,
) -> anyhow::Result<()> {
    let figure = |took: &Took| {
        let quantile = |share| took.latencies.value_at_quantile(share) as f64 / 1_000.0;
        format!("{:.1} / {:.1} ms", quantile(0.5), quantile(0.99))
    };
    let (ours, peers) = took.split_first().context("ours")?;
    ensure!(ours.matches > 0, "{} finds nothing: it measures nothing", search.name);
    let p99 = ours.latencies.value_at_quantile(0.99) as f64 / 1e6;
    let limit = format!("{} ms", LIMIT.as_millis());
    let ratio = p99 / LIMIT.as_secs_f64();
    report.figures(search.name, [figure(ours), limit], ratio, "≤ 100 %");
    for (peer, its) in servers.iter().skip(1).zip(peers) {
        let name = format!("{}, beside {}", search.name, peer.name);
        let medians = [ours, its].map(|took| took.latencies.value_at_quantile(0.5) as f64);
        report.figures(&name, [figure(ours), figure(its)], medians[0] / medians[1], "");
        if its.matches != ours.matches {
            eprintln!("  {} told {} matches, ours {}", peer.name, its.matches, ours.matches);
        }
    }
    Ok(())
}
