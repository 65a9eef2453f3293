//! <https://hl7.org/fhir/packages.html>
//!
//! The packages of a service: definitions over those of its FHIR version. A package is read and
//! packed once, when it is added.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Fault, Timestamp, limits};
use bytes::Bytes;
use fhir::package::{self, Package, PackageError};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::KeptPackage;

use super::allow;
use super::refusal::Refusal;
use crate::app::App;
use crate::control::body::BodyRefused;
use crate::edge::blocking;
use crate::exchange::{Answer, Request};
use crate::service::Service;

/// What is shown of a package.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct About {
    id: String,
    title: Option<String>,
    fhir_versions: Vec<String>,
    licence: Option<String>,
    /// How many resources of each type it defines.
    contents: BTreeMap<String, usize>,
    dependencies: Vec<String>,
    added: String,
}

impl About {
    fn of(package: &Package, now: Timestamp) -> Self {
        let manifest = &package.manifest;
        let needed = manifest.dependencies.iter().map(|it| format!("{}#{}", it.name, it.version));
        Self {
            id: manifest.id(),
            title: manifest.title.clone(),
            fhir_versions: manifest.fhir_versions.clone(),
            licence: manifest.licence.clone(),
            contents: package.counts.clone(),
            dependencies: needed.collect(),
            added: now.to_string(),
        }
    }

    /// What it needs and is not among `kept`, with the version that is there instead.
    fn missing(&self, kept: &[KeptPackage]) -> Vec<String> {
        let missing = self.dependencies.iter().filter_map(|needed| {
            let (name, _) = needed.split_once('#')?;
            // The core definitions are those of the FHIR version.
            let is_there = name.starts_with("hl7.fhir.r4.core")
                || kept.iter().any(|kept| kept.name == *needed);
            let other = |kept: &KeptPackage| {
                let (known, version) = kept.name.split_once('#')?;
                (known == name).then(|| format!("{needed} (there is {version})"))
            };
            (!is_there).then(|| kept.iter().find_map(other).unwrap_or_else(|| needed.clone()))
        });
        missing.collect()
    }

    fn shown(&self, kept: &[KeptPackage]) -> Result<Value, Fault> {
        let mut shown = serde_json::to_value(self).map_err(unreadable)?;
        shown["missing"] = json!(self.missing(kept));
        Ok(shown)
    }
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::new("what is shown of a package", error)
}

/// `GET /_admin/services/WORKSPACE-NAME/packages`, the one that was added last first: as they are
/// asked.
pub(super) async fn list(
    app: &Arc<App>,
    request: &Request,
    label: &str,
) -> Result<Answer, Refusal> {
    allow(app, request, "Firekeep/packages/read")?;
    let service = named(app, label)?;
    let listed = blocking::run(move || {
        let kept = service.store.packages()?;
        let shown = kept.iter().rev().map(|package| {
            serde_json::from_slice::<About>(&package.about).map_err(unreadable)?.shown(&kept)
        });
        shown.collect::<Result<Vec<_>, Fault>>()
    });
    Ok(Answer::json(StatusCode::OK, &json!({ "value": listed.await?? })))
}

/// `POST …/packages`, the package as body: adds it, or replaces the one of the same name and
/// version.
pub(super) async fn add(app: &Arc<App>, request: Request, label: &str) -> Result<Answer, Refusal> {
    allow(app, &request, "Firekeep/packages/write")?;
    let service = named(app, label)?;
    let now = request.now;
    let archive = request.body.read(limits::PACKAGE_BYTES).await.map_err(BodyRefused::from)?;
    let turn = blocking::run(move || keep(&service, &archive, now));
    let (replaced, mut shown) = turn.await??;
    shown["replaced"] = json!(replaced);
    let status = if replaced { StatusCode::OK } else { StatusCode::CREATED };
    Ok(Answer::json(status, &shown))
}

/// Reads and keeps a package: whether it replaced one, and what is shown of it.
fn keep(service: &Service, archive: &Bytes, now: Timestamp) -> Result<(bool, Value), Refusal> {
    let version = fhir::Definitions::r4().version();
    let package = package::read(archive, version, &*service.registry()?).map_err(refused)?;
    let about = About::of(&package, now);
    let replaced = service.store.packages()?.iter().any(|kept| kept.name == about.id);
    let kept = KeptPackage {
        name: about.id.clone(),
        about: serde_json::to_vec(&about).map_err(unreadable)?,
        pack: package.pack,
    };
    service.store.put_package(&kept, archive)?;
    tracing::info!(package = about.id, service = %service.id, "{} has {}", service.id, about.id);
    let mut shown = about.shown(&service.store.packages()?)?;
    let left_out = package.left_out.iter().map(|(file, why)| json!({ "file": file, "why": why }));
    shown["leftOut"] = left_out.collect();
    // The next request has it already.
    service.registry()?;
    Ok((replaced, shown))
}

fn refused(error: PackageError) -> Refusal {
    match error {
        PackageError::Pack(error) => Fault::new("packing a package", error).into(),
        PackageError::NotAnArchive
        | PackageError::Damaged(_)
        | PackageError::NotAPackage(_)
        | PackageError::TooLarge
        | PackageError::TooMany
        | PackageError::OtherVersion { .. } => Refusal::Invalid(error.to_string()),
    }
}

/// `DELETE …/packages/NAME%23VERSION`
pub(super) async fn remove(
    app: &Arc<App>,
    request: &Request,
    label: &str,
    name: &str,
) -> Result<Answer, Refusal> {
    allow(app, request, "Firekeep/packages/write")?;
    let service = named(app, label)?;
    let name = name.to_owned();
    let removed = blocking::run(move || {
        if service.store.remove_package(&name)? {
            service.registry()?;
            return Ok(());
        }
        let kept = service.store.packages()?.into_iter().map(|kept| kept.name);
        let kept = kept.collect::<Vec<_>>().join(", ");
        let there =
            if kept.is_empty() { "It has none".to_owned() } else { format!("It has {kept}") };
        Err(Refusal::NotThere(format!("{} has no package {name}. {there}.", service.id)))
    });
    removed.await??;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

fn named(app: &App, label: &str) -> Result<Arc<Service>, Refusal> {
    let services = app.services.labelled(label);
    services.ok_or_else(|| Refusal::NotThere(format!("There is no service '{label}'.")))
}
