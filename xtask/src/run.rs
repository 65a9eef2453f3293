//! Running other programs, with an error that names the line to type.

use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a waiting loop looks.
const LOOK: Duration = Duration::from_millis(100);

/// What `program` prints; an error when it fails.
pub(crate) fn output(folder: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("start {}", line(&command)))?;
    if !output.status.success() {
        bail!("{} failed: {}", line(&command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("read what {program} printed"))
}

/// Runs `command` on this terminal and says whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("start {}", line(command)))?;
    Ok(status.success())
}

/// Runs `command` on this terminal; an error when it fails.
pub(crate) fn must(command: &mut Command) -> Result<()> {
    let succeeded = succeeds(command)?;
    if !succeeded {
        bail!("failed: {}", line(command));
    }
    Ok(())
}

/// Waits until `ready` gives something; none when `most` has passed.
pub(crate) fn wait_for<T>(
    most: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let start = now();
    loop {
        if let Some(found) = ready()? {
            return Ok(Some(found));
        }
        if start.elapsed() > most {
            return Ok(None);
        }
        pause();
    }
}

/// Waits for the end of `child`; none when `most` has passed and it still runs.
pub(crate) fn wait_for_end(child: &mut Child, most: Duration) -> Result<Option<ExitStatus>> {
    wait_for(most, || Ok(child.try_wait()?))
}

/// Sends SIGTERM to one process, or with `group` to the group it leads.
pub(crate) fn terminate(child: &Child, group: bool) -> Result<()> {
    let sign = if group { "-" } else { "" };
    let id = format!("{sign}{}", child.id());
    must(Command::new("bash").args(["-c", "kill -TERM -- \"$1\"", "kill", &id]))
}

/// For measuring how long a step took.
#[expect(clippy::disallowed_methods, reason = "durations are measured, nothing is decided by them")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "another process is waited for; it cannot wake us")]
fn pause() {
    std::thread::sleep(LOOK);
}

/// The command as a person would type it.
fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}
