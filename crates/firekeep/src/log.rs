//! Log lines on standard error, written together: a line for each request must not cost a system
//! call for each.

mod access;

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use crate::commands::serve::LogFormat;

/// How long a line may wait for others.
const WAIT: Duration = Duration::from_millis(50);
/// Bytes that are written without waiting.
const FULL: usize = 64 << 10;
/// Bytes that may wait; whoever logs more writes them itself, so that memory stays bounded when
/// the reader of the log is slow.
const MOST: usize = 4 << 20;

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    ended: bool,
}

/// Lines on their way to standard error.
#[derive(Default)]
struct Lines {
    waiting: Mutex<Waiting>,
    woken: Condvar,
}

impl Lines {
    fn push(&self, line: &[u8]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let before = waiting.lines.len();
        waiting.lines.extend_from_slice(line);
        if waiting.lines.len() >= MOST {
            let _lost = io::stderr().write_all(&std::mem::take(&mut waiting.lines));
        } else if before < FULL && waiting.lines.len() >= FULL {
            // Only the line that fills the room: to wake costs a system call each time.
            self.woken.notify_one();
        }
    }

    /// What waits, for tests of what a line looks like.
    #[cfg(test)]
    fn text(&self) -> String {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&waiting.lines).into_owned()
    }

    /// Writes what waits, again and again until the log has ended.
    fn write(&self) {
        // Two lists take turns, so that neither has to grow again and again.
        let mut lines = Vec::new();
        loop {
            let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let until = |waiting: &mut Waiting| waiting.lines.len() < FULL && !waiting.ended;
            let (mut waiting, _) = self
                .woken
                .wait_timeout_while(waiting, WAIT, until)
                .unwrap_or_else(PoisonError::into_inner);
            std::mem::swap(&mut waiting.lines, &mut lines);
            let ended = waiting.ended;
            drop(waiting);
            let _lost = io::stderr().write_all(&lines);
            lines.clear();
            lines.shrink_to(2 * FULL);
            if ended {
                return;
            }
        }
    }
}

/// `tracing` hands over each line whole.
impl Write for &Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The log while it runs. Dropping it writes what still waits.
pub(crate) struct Log {
    lines: Arc<Lines>,
    writer: Option<JoinHandle<()>>,
}

impl Drop for Log {
    fn drop(&mut self) {
        self.lines.waiting.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.lines.woken.notify_one();
        if let Some(writer) = self.writer.take() {
            let _panicked = writer.join();
        }
    }
}

/// Sends log lines to standard error. Only the first call of a process changes anything.
pub(crate) fn begin(format: LogFormat, filter: &str) -> Log {
    let lines = Arc::new(Lines::default());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_wrong| EnvFilter::new("info"));
    let told = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Arc::clone(&lines));
    let _already_set = match format {
        LogFormat::Text => told
            .with_ansi(io::stderr().is_terminal())
            .event_format(access::AccessLines(tracing_subscriber::fmt::format()))
            .try_init(),
        LogFormat::Json => told.json().flatten_event(true).try_init(),
    };
    let writer = std::thread::Builder::new().name("log".into());
    let writer = writer.spawn({
        let lines = Arc::clone(&lines);
        move || lines.write()
    });
    Log { lines, writer: writer.ok() }
}
