//! `firekeep load`: bundles and NDJSON into a service.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result};
use clap::{Args, value_parser};
use tokio::sync::mpsc;

use crate::client::control::ServiceName;
use crate::client::data_folder::{DataArgs, Opened};
use crate::client::http;
use crate::client::tokens::{Source, Tokens};
use crate::load::files::{self, Group};
use crate::load::progress::Progress;
use crate::load::read;
use crate::load::send::{self, Target};
use crate::output::{note, say};

/// Load bundles or NDJSON into a service.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  firekeep load synthea-bundles.tar.zst
  firekeep load output/fhir/ --service main/lab
  firekeep load Patient.ndjson Observation.ndjson.zst
  firekeep load bundles/ --fhir https://localhost:8443/fhir/main-demo --token \"$token\" --ca ca.pem

Folders are read with all below them. Files are loaded in the order of their names,
hospitalInformation* and practitionerInformation* before all others. Bundles are POSTed, resources
of NDJSON files are PUT under their own ids. What the server refuses is reported, the rest goes on,
and the exit code is 1.")]
pub(crate) struct LoadArgs {
    /// Files (.json, .ndjson, .tar, each with or without .zst) and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Service to load into; the first one unless given
    #[arg(long, value_name = "WS/NAME", conflicts_with = "fhir")]
    service: Option<ServiceName>,
    /// Base URL of any FHIR service, in place of a data folder
    #[arg(long, value_name = "URL", requires = "token")]
    fhir: Option<String>,
    /// Access token for --fhir
    #[arg(long, value_name = "T", requires = "fhir")]
    token: Option<String>,
    /// PEM file of the certificate authority to trust for --fhir
    #[arg(long, value_name = "FILE", requires = "fhir")]
    ca: Option<PathBuf>,
    /// Bundles that are sent at one time
    #[arg(long, value_name = "N", default_value_t = 4,
          value_parser = value_parser!(u32).range(1..=64))]
    parallel: u32,
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(args: LoadArgs) -> Result<ExitCode> {
    let sources = files::collect(&args.paths)?;
    match (&args.fhir, &args.token) {
        (Some(fhir), Some(token)) => {
            let base = fhir.trim_end_matches('/').to_owned();
            let http = http::client(&base, args.ca.as_deref())?;
            let tokens = Arc::new(Tokens::new(Source::Fixed(token.clone())));
            load(sources, Target { http, base, tokens }, args.parallel).await
        }
        (_, _) => {
            let into = async |opened: &Opened| {
                if let Some(service) = &args.service {
                    let control = opened.control();
                    control.get(&control.service_id(service)).await?;
                }
                let label = args.service.as_ref().map(ServiceName::label);
                let base = opened.service_url(label.as_deref())?;
                let (http, tokens) = (opened.http.clone(), Arc::clone(&opened.tokens));
                load(sources, Target { http, base, tokens }, args.parallel).await
            };
            args.data.with(into).await
        }
    }
}

async fn load(sources: Vec<files::Source>, target: Target, parallel: u32) -> Result<ExitCode> {
    let (sources, target) = (Arc::new(sources), Arc::new(target));
    let progress = Arc::new(Progress::new(sources.iter().map(|it| it.bytes).sum()));
    let mut done = Ok(());
    for group in [Group::First, Group::Rest] {
        // One bundle waits while others are sent; more would only fill the memory.
        let (sink, pieces) = mpsc::channel(1);
        let (from, to) = (Arc::clone(&sources), Arc::clone(&progress));
        let reading = tokio::task::spawn_blocking(move || read::read(&from, group, &sink, &to));
        done = send::all(&target, pieces, parallel, &progress).await;
        reading.await.context("the reader stopped")?;
        if done.is_err() {
            break;
        }
    }
    say(&progress.summary())?;
    done?;
    let failures = progress.failures();
    if failures > 0 {
        note(&format!("error: {failures} could not be loaded; the lines above say why"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
