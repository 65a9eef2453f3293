//! `firekeep package`: the FHIR packages of a service.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::client::control::{ServiceName, items, text};
use crate::client::data_folder::{DataArgs, Opened};
use crate::output::{Column, OutputArgs, note};

const COLUMNS: [Column; 6] = [
    ("Package", "/id"),
    ("Profiles", "/contents/StructureDefinition"),
    ("ValueSets", "/contents/ValueSet"),
    ("CodeSystems", "/contents/CodeSystem"),
    ("SearchParameters", "/contents/SearchParameter"),
    ("Added", "/added"),
];

/// Add, list and remove the FHIR packages of a service: US Core, IPS, the terminology of HL7.
#[derive(Subcommand, Debug)]
pub(crate) enum PackageCommand {
    /// Add packages, or replace those of the same name and version
    #[command(after_help = "Examples:
  firekeep package add hl7.fhir.us.core-6.1.0.tgz
  firekeep package add hl7.terminology.r4-7.0.1.tar.zst hl7.fhir.uv.ips-2.0.0.tgz --service main/lab

What a package defines counts from the next request on. What was stored over REST wins over
packages, the package that was added last over those before it.")]
    Add {
        /// Packages: .tgz as registries have them, or .tar.zst
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        at: At,
    },
    /// List the packages, the one that was added last first
    #[command(after_help = "Example:\n  firekeep package list --output table")]
    List(At),
    /// Remove a package
    #[command(after_help = "Example:\n  firekeep package remove hl7.fhir.us.core#6.1.0")]
    Remove {
        /// Name and version, as the list shows them
        #[arg(value_name = "NAME#VERSION")]
        package: String,
        #[command(flatten)]
        at: At,
    },
}

/// Of which service, and how to print.
#[derive(Args, Debug)]
pub(crate) struct At {
    /// Service that has them; the first one unless given
    #[arg(long, value_name = "WS/NAME")]
    service: Option<ServiceName>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(command: PackageCommand) -> Result<()> {
    match command {
        PackageCommand::Add { files, at } => add(&files, &at).await,
        PackageCommand::List(at) => list(&at).await,
        PackageCommand::Remove { package, at } => remove(&package, &at).await,
    }
}

async fn add(files: &[PathBuf], at: &At) -> Result<()> {
    let work = async |opened: &Opened| {
        let mut added = Vec::new();
        for file in files {
            let one = send(opened, &at.path(opened)?, file).await;
            added.push(one.with_context(|| file.display().to_string())?);
        }
        at.output.print_with_columns(Value::Array(added), &COLUMNS)
    };
    at.data.with(work).await
}

async fn send(opened: &Opened, path: &str, file: &Path) -> Result<Value> {
    let package = std::fs::read(file).context("it cannot be read")?;
    let added = opened.control().admin_put(path, package).await?;
    let id = text(&added, "/id");
    for missing in texts(&added, "missing") {
        note(&format!("warning: {id} needs {missing}, which this service does not have"));
    }
    for left_out in added.get("leftOut").and_then(Value::as_array).into_iter().flatten() {
        let (file, why) = (text(left_out, "/file"), text(left_out, "/why"));
        note(&format!("warning: {id}: {file} is left out: {why}"));
    }
    Ok(added)
}

fn texts<'v>(of: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    let all = of.get(key).and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

async fn list(at: &At) -> Result<()> {
    let work = async |opened: &Opened| {
        let listed = opened.control().admin(&at.path(opened)?, None).await?;
        at.output.print_with_columns(Value::Array(items(&listed)), &COLUMNS)
    };
    at.data.with(work).await
}

async fn remove(package: &str, at: &At) -> Result<()> {
    let work = async |opened: &Opened| {
        let name: String = form_urlencoded::byte_serialize(package.as_bytes()).collect();
        opened.control().admin_delete(&format!("{}/{name}", at.path(opened)?)).await?;
        note(&format!("removed {package}"));
        Ok(())
    };
    at.data.with(work).await
}

impl At {
    /// The route of the service's packages.
    fn path(&self, opened: &Opened) -> Result<String> {
        let label = self.service.as_ref().map(ServiceName::label);
        let url = opened.service_url(label.as_deref())?;
        let label = url.rsplit('/').next().unwrap_or_default();
        Ok(format!("services/{label}/packages"))
    }
}
