//! Starting this test binary again as a child process that runs one of its tests.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names the store's folder to a child; a test that only children run returns when it is not set.
const FOLDER: &str = "FIREKEEP_STORE_CHILD";

/// The command that runs the test `name` on the store in `folder`, its lines piped.
pub(crate) fn of_test(name: &str, folder: &Path, wrapper: &[&str]) -> Child {
    let binary = std::env::current_exe().unwrap();
    let mut words = wrapper.iter().map(AsRef::as_ref).collect::<Vec<&std::ffi::OsStr>>();
    words.push(binary.as_os_str());
    let (program, arguments) = words.split_first().unwrap();
    let mut command = Command::new(program);
    command.args(arguments).args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(FOLDER, folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::null()).spawn().unwrap()
}

/// The folder to work on, when this process is such a child.
pub(crate) fn folder() -> Option<std::path::PathBuf> {
    setting(FOLDER).map(Into::into)
}

#[expect(clippy::disallowed_methods, reason = "how a test binary is told what to do")]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Tells the parent one line.
pub(crate) fn tell(line: &str) {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}
