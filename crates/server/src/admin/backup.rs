//! <https://en.wikipedia.org/wiki/Backup#Live_data>
//!
//! A copy of everything while the server runs: each store in a snapshot of its own, the directory
//! first, so that no service is missing that the directory names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Fault, Timestamp};
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::allow;
use super::refusal::Refusal;
use crate::app::App;
use crate::control::body;
use crate::edge::blocking;
use crate::exchange::{Answer, Request};

/// Of `manifest.json`; `firekeep restore` refuses one it does not know.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    to: PathBuf,
}

/// `POST /_admin/backup`: into a folder of the server's machine that is new or empty.
pub(super) async fn backup(app: &Arc<App>, request: Request) -> Result<Answer, Refusal> {
    allow(app, &request, "Firekeep/backup/action")?;
    let now = request.now;
    let given: Given = body::json(request.body).await?;
    if !given.to.is_absolute() {
        return Err(Refusal::Invalid("'to' must be an absolute path on the server.".into()));
    }
    if fs::read_dir(&given.to).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Refusal::Invalid(format!("{} is not empty.", given.to.display())));
    }
    let app = Arc::clone(app);
    let shown = blocking::run(move || write(&app, &given.to, now)).await??;
    Ok(Answer::json(StatusCode::OK, &shown))
}

fn write(app: &App, to: &Path, now: Timestamp) -> Result<serde_json::Value, Fault> {
    let named = |path: &Path| format!("backing up to {}", path.display());
    fs::create_dir_all(to).map_err(|error| Fault::new(named(to), error))?;
    app.control.backup(&to.join("control"))?;
    let mut services = Vec::new();
    for service in app.services.all() {
        service.store.backup(&to.join(&service.folder))?;
        services.push(json!({ "id": service.id.to_string(), "folder": service.folder }));
    }
    for name in app.certificate_files() {
        let (from, copy) = (app.data.join(name), to.join(name));
        if from.is_file() {
            fs::copy(&from, &copy).map_err(|error| Fault::new(named(&copy), error))?;
        }
    }
    let manifest = json!({
        "format": FORMAT,
        "firekeep": env!("CARGO_PKG_VERSION"),
        "created": now.to_string(),
        "services": services,
    });
    // Written last: a folder without it is an unfinished backup.
    let file = to.join("manifest.json");
    fs::write(&file, format!("{manifest:#}\n")).map_err(|error| Fault::new(named(&file), error))?;
    Ok(json!({ "folder": to, "services": services, "bytes": bytes(to)? }))
}

/// Bytes of all files below `folder`.
fn bytes(folder: &Path) -> Result<u64, Fault> {
    let fault = |error| Fault::new(format!("reading {}", folder.display()), error);
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let metadata = entry.metadata().map_err(fault)?;
        sum += if metadata.is_dir() { bytes(&entry.path())? } else { metadata.len() };
    }
    Ok(sum)
}
