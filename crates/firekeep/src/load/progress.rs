//! How far a load is: a bar on a terminal, a line every few seconds elsewhere; failures as they
//! happen.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{note, thousands};

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Counts, shared by the reader and the senders.
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
    last_line: Mutex<Instant>,
    files: AtomicU64,
    resources: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// For files of `bytes` on the disk.
    pub(crate) fn new(bytes: u64) -> Self {
        let bar =
            ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr_with_hz(10));
        let template = "{bar:32} {percent:>3} %  {msg}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self::with(bar)
    }

    /// That shows nothing.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self::with(ProgressBar::hidden())
    }

    #[expect(clippy::disallowed_methods, reason = "the elapsed time is only shown")]
    fn with(bar: ProgressBar) -> Self {
        let now = Instant::now();
        Self {
            bar,
            started: now,
            last_line: Mutex::new(now),
            files: AtomicU64::new(0),
            resources: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    /// A file was begun.
    pub(crate) fn file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes more were read from the disk.
    pub(crate) fn bytes(&self, more: u64) {
        self.bar.inc(more);
    }

    /// So many resources more are in.
    pub(crate) fn resources(&self, more: u64) {
        self.resources.fetch_add(more, Ordering::Relaxed);
        self.show();
    }

    /// Something is not in, and why.
    pub(crate) fn failed(&self, name: &str, why: &str) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let line = format!("failed: {name}: {why}");
        if self.bar.is_hidden() { note(&line) } else { self.bar.println(line) }
    }

    pub(crate) fn failures(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    fn show(&self) {
        let rate = self.per_second();
        let counts = format!(
            "{} files, {} resources, {}/s",
            thousands(self.files.load(Ordering::Relaxed)),
            thousands(self.resources.load(Ordering::Relaxed)),
            thousands(rate),
        );
        if !self.bar.is_hidden() {
            self.bar.set_message(counts);
            return;
        }
        let mut last = self.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        let since = last.elapsed();
        if since >= LINE_EVERY {
            *last += since;
            let left = HumanDuration(self.bar.eta());
            note(&format!("{counts}, {left} left"));
        }
    }

    fn per_second(&self) -> u64 {
        let milliseconds = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.resources.load(Ordering::Relaxed).saturating_mul(1_000) / milliseconds.max(1)
    }

    /// Takes the bar away and says in one line what was done.
    pub(crate) fn summary(&self) -> String {
        self.bar.finish_and_clear();
        summary(
            self.files.load(Ordering::Relaxed),
            self.resources.load(Ordering::Relaxed),
            self.failures(),
            self.started.elapsed(),
        )
    }
}

fn summary(files: u64, resources: u64, failed: u64, elapsed: Duration) -> String {
    let counted = |number: u64, what: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{} {what}{plural}", thousands(number))
    };
    format!(
        "{}, {}, {} failed, {:.1} s",
        counted(files, "file"),
        counted(resources, "resource"),
        thousands(failed),
        elapsed.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_one_line() {
        let elapsed = Duration::from_millis(41_234);
        assert_eq!(
            summary(302, 92_345, 0, elapsed),
            "302 files, 92,345 resources, 0 failed, 41.2 s"
        );
        assert_eq!(summary(1, 1, 0, elapsed), "1 file, 1 resource, 0 failed, 41.2 s");
        assert_eq!(summary(1, 0, 1, Duration::ZERO), "1 file, 0 resources, 1 failed, 0.0 s");
    }
}
