//! `firekeep load`: bundles and NDJSON into a service.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::Args;
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
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    parallel: u32,
    #[command(flatten)]
    data: DataArgs,
}

pub(crate) async fn run(args: LoadArgs) -> Result<ExitCode> {
    let sources = Arc::new(files::collect(&args.paths)?);
    let (target, opened) = target(&args).await?;
    let target = Arc::new(target);
    let progress = Arc::new(Progress::new(sources.iter().map(|it| it.bytes).sum()));

    let mut done = Ok(());
    for group in [Group::First, Group::Rest] {
        // One bundle waits while others are sent; more would only fill the memory.
        let (sink, pieces) = mpsc::channel(1);
        let (from, to) = (Arc::clone(&sources), Arc::clone(&progress));
        let reading = tokio::task::spawn_blocking(move || read::read(&from, group, &sink, &to));
        done = send::all(&target, pieces, args.parallel, &progress).await;
        reading.await.context("the reader stopped")?;
        if done.is_err() {
            break;
        }
    }
    say(&progress.summary());
    drop(target);
    if let Some(opened) = opened {
        opened.close().await;
    }
    done?;
    let failures = progress.failures();
    if failures > 0 {
        note(&format!("error: {failures} could not be loaded; the lines above say why"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn target(args: &LoadArgs) -> Result<(Target, Option<Opened>)> {
    if let Some(fhir) = &args.fhir {
        let base = fhir.trim_end_matches('/').to_owned();
        let http = http::client(&base, args.ca.as_deref())?;
        let token = args.token.clone().ok_or_else(|| anyhow!("--fhir needs --token"))?;
        let tokens = Arc::new(Tokens::new(Source::Fixed(token)));
        return Ok((Target { http, base, tokens }, None));
    }
    let opened = args.data.open().await?;
    let label = args.service.as_ref().map(ServiceName::label);
    let base = opened.service_url(label.as_deref())?;
    let tokens = Arc::clone(&opened.tokens);
    Ok((Target { http: opened.http.clone(), base, tokens }, Some(opened)))
}
