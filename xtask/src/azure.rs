//! The unmodified Azure CLI and SDK, in a Python environment of their own under `target/venv`.

use std::path::PathBuf;
use std::process::Command;
use std::thread::{JoinHandle, spawn};

use anyhow::{Context, Result, anyhow};

use crate::place::Place;
use crate::run::{must, succeeds};

/// What the acceptance was written against.
const PACKAGES: [&str; 3] = ["azure-cli==2.91.0", "azure-identity==1.27.0", "pyjwt[crypto]"];

/// An installation that runs beside the other steps.
pub(crate) struct Installation(JoinHandle<Result<PathBuf>>);

impl Installation {
    /// Begins to install, unless that was done before with the same packages.
    pub(crate) fn begin(place: &Place) -> Self {
        let venv = place.target.join("venv");
        Self(spawn(move || install(venv)))
    }

    /// Waits for its end and gives the folder of the environment.
    pub(crate) fn finish(self) -> Result<PathBuf> {
        self.0.join().map_err(|_| anyhow!("the installation of azure-cli panicked"))?
    }
}

/// A stamp with the packages is written last, so that half an installation is begun anew.
fn install(venv: PathBuf) -> Result<PathBuf> {
    let stamp = venv.join("firekeep-packages");
    let wanted = PACKAGES.join("\n");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(venv);
    }
    let has_python = succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]));
    if !has_python.unwrap_or(false) {
        return Err(anyhow!(
            "the acceptance needs python3 with its venv module; on Debian: \
             apt-get install python3 python3-venv"
        ));
    }
    println!("azure-cli: installing {} in the background", PACKAGES.join(" "));
    must(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(PACKAGES);
    must(&mut pip).context("install azure-cli")?;
    std::fs::write(&stamp, wanted).context("write the stamp of target/venv")?;
    Ok(venv)
}
