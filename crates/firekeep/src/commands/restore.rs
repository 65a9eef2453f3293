//! `firekeep restore`: makes a data folder from a backup.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::client::data_folder::FolderArgs;
use crate::output::note;

/// The layout of backups that this version reads.
const FORMAT: u64 = 1;
const MANIFEST: &str = "manifest.json";

/// Make a data folder from a backup.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  firekeep restore /backups/today --data firekeep-data")]
pub(crate) struct RestoreArgs {
    /// Folder that `firekeep backup` made
    from: PathBuf,
    #[command(flatten)]
    data: FolderArgs,
}

#[derive(Deserialize)]
struct Manifest {
    format: u64,
    firekeep: String,
}

pub(crate) fn run(args: &RestoreArgs) -> Result<()> {
    let folder = &args.data.folder;
    check(&args.from)?;
    refuse_data(folder)?;
    make_private(folder)?;
    let bytes = copy(&args.from, folder)?;
    note(&format!("{}: {} bytes", folder.display(), crate::output::thousands(bytes)));
    note("The secrets of connection.json are not in a backup; make new ones with:");
    note(&format!("  firekeep app reset-secret --data {}", folder.display()));
    Ok(())
}

fn check(from: &Path) -> Result<()> {
    let path = from.join(MANIFEST);
    let text = fs::read(&path)
        .with_context(|| format!("{} is no backup: cannot read {MANIFEST}", from.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .with_context(|| format!("{} is not what `firekeep backup` writes", path.display()))?;
    if manifest.format != FORMAT {
        bail!(
            "{} has format {} (made by firekeep {}), this version reads format {FORMAT}",
            from.display(),
            manifest.format,
            manifest.firekeep
        );
    }
    Ok(())
}

fn refuse_data(folder: &Path) -> Result<()> {
    match fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} is not empty; name a new folder with --data", folder.display()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).context(format!("cannot read {}", folder.display())),
    }
}

fn make_private(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Copies all but the manifest, syncing each file; returns the bytes copied.
fn copy(from: &Path, to: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot read {}", from.display()))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_name() == MANIFEST {
            continue;
        }
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            make_private(&target)?;
            bytes += copy(&source, &target)?;
        } else {
            bytes += fs::copy(&source, &target)
                .and_then(|bytes| fs::File::open(&target)?.sync_all().map(|()| bytes))
                .with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(bytes)
}
