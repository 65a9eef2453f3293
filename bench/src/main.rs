//! What Firekeep costs, as ratios to probes taken in the same run on the same machine.
//!
//! `cargo xtask bench` runs all workloads; each is a closed loop of clients against ours and
//! against a probe that does the least that could do: a bare axum server with a cached bearer
//! check, and a raw LMDB group commit of the same bytes. To add a workload: one function in
//! `workload.rs`, one line in its `ALL`.
//!
//! Never here: a limit that fails a build. Machines are shared; figures are read by people.

mod driver;
mod firekeep;
mod json_parse;
mod probe;
mod raw_commit;
mod report;
mod search;
mod search_values;
mod validate_structure;
mod workload;
mod xml;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Firekeep against the physical limits of this machine.
#[derive(Parser)]
struct Arguments {
    /// The release binary.
    #[arg(long, default_value = "target/release/firekeep")]
    binary: PathBuf,
    /// Seconds of each measurement; every one is taken seven times.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Concurrent clients.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// The folder with Synthea bundles.
    #[arg(long, default_value = "../shared/data/synthea")]
    synthea: PathBuf,
    /// Only the workloads whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Another FHIR server that the searches are sent to as well, as `NAME=URL`; it is given the
    /// data when it has none, with the bearer token in `PEER_TOKEN` if there is one.
    #[arg(long = "peer")]
    peers: Vec<String>,
    /// Writes the table to this file too.
    #[arg(long)]
    write: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// The bare server, started by the benchmark itself.
    #[command(hide = true)]
    Probe(probe::Arguments),
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(Command::Probe(probe)) = &arguments.command {
        return probe::serve(probe);
    }
    let setting = workload::Setting {
        binary: arguments.binary,
        time: Duration::from_secs(arguments.seconds),
        clients: arguments.clients,
        synthea: arguments.synthea,
        peers: arguments.peers,
    };
    let mut report = report::Report::default();
    for (name, run) in workload::ALL {
        if name.contains(&arguments.only) {
            eprintln!("{name} …");
            run(&setting, &mut report)?;
        }
    }
    println!("{report}");
    if let Some(path) = arguments.write {
        std::fs::write(path, report.to_string())?;
    }
    Ok(())
}
