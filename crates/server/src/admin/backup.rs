//! <https://en.wikipedia.org/wiki/Backup#Live_data>
//!
//! A copy of everything while the server runs: each store in a snapshot of its own, the directory
//! first, so that no service is missing that the directory names.

use std::fs;
use std::path::{Component, Path, PathBuf};
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
use crate::service::private_folder;

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
    let app = Arc::clone(app);
    let shown = blocking::run(move || {
        prepare(&app.data, &given.to).map_err(Refusal::Invalid)?;
        write(&app, &given.to, now).map_err(Refusal::Fault)
    });
    Ok(Answer::json(StatusCode::OK, &shown.await??))
}

/// Makes the folder to write to, for the owner's eyes only: it will hold the signing keys.
fn prepare(data: &Path, to: &Path) -> Result<(), String> {
    let fail = |error| format!("{} cannot be used: {error}.", to.display());
    // Links and `..` are followed as far as there is something: the data folder holds no copy of
    // itself. Below that only plain names lead to where one sees.
    let existing = to.ancestors().find_map(|at| Some((at, fs::canonicalize(at).ok()?)));
    let (at, real) = existing.ok_or_else(|| format!("{} cannot be used.", to.display()))?;
    let mut rest = to.strip_prefix(at).unwrap_or(to).components();
    if rest.any(|part| part == Component::ParentDir) {
        return Err(format!("{} goes up from a folder that is not there.", to.display()));
    }
    if real.starts_with(fs::canonicalize(data).map_err(fail)?) {
        return Err(format!("{} is inside the data folder.", to.display()));
    }
    private_folder(to).map_err(fail)?;
    if fs::read_dir(to).map_err(fail)?.next().is_some() {
        return Err(format!("{} is not empty.", to.display()));
    }
    Ok(())
}

fn write(app: &App, to: &Path, now: Timestamp) -> Result<serde_json::Value, Fault> {
    let named = |path: &Path| format!("backing up to {}", path.display());
    let private = |path: PathBuf| {
        private_folder(&path).map_err(|error| Fault::new(named(&path), error)).map(|()| path)
    };
    app.control.backup(&private(to.join("control"))?)?;
    let mut services = Vec::new();
    for service in app.services.all() {
        service.store.backup(&private(to.join(&service.folder))?)?;
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

#[cfg(test)]
mod tests {
    use std::io;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_copy_goes_into_a_private_folder_outside_of_the_data() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("data/services"))?;
        fs::create_dir_all(at("full/x"))?;
        fs::write(at("file"), "")?;
        symlink(at("data"), at("link"))?;
        let check = |to: &str, expected: &str| {
            let found = prepare(&at("data"), &at(to)).err().unwrap_or_default();
            let shown = found.strip_prefix(&at(to).display().to_string()).unwrap_or(&found);
            assert!(shown.starts_with(expected), "{to}: {found}");
        };
        check("data/new", " is inside the data folder");
        check("data/services/new", " is inside the data folder");
        check("link/a/b", " is inside the data folder");
        check("full/../data/new", " is inside the data folder");
        check("none/../data/new", " goes up from a folder that is not there");
        check("full/../new/two", "");
        check("full", " is not empty");
        check("file", " cannot be used");
        check("file/below", " cannot be used");
        check("new/one", "");
        assert!(!at("data/new").exists());
        assert_eq!(fs::metadata(at("new/one"))?.permissions().mode() & 0o777, 0o700);
        Ok(())
    }
}
