//! The lines of the access log as text.
//!
//! There is one per request, so its form is written straight out: the general formatter spends a
//! twentieth of a read by id on them.

use std::fmt::{self, Debug, Write};

use base::{Clock, SystemClock};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The target of the access log's events.
const ACCESS: &str = "access";

/// Writes access lines itself and leaves all others, and all colours, to the general form.
pub(super) struct AccessLines<F>(pub(super) F);

impl<S, N, F> FormatEvent<S, N> for AccessLines<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != ACCESS || writer.has_ansi_escapes() {
            return self.0.format_event(context, writer, event);
        }
        write!(writer, "{} ", SystemClock.now())?;
        writer.write_str(padded(*event.metadata().level()))?;
        [" ", ACCESS, ":"].into_iter().try_for_each(|part| writer.write_str(part))?;
        let mut line = Line { out: Printable(&mut writer), result: Ok(()) };
        event.record(&mut line);
        line.result?;
        writer.write_char('\n')
    }
}

/// The name of a level in five places.
fn padded(level: Level) -> &'static str {
    match level {
        Level::TRACE => "TRACE",
        Level::DEBUG => "DEBUG",
        Level::INFO => " INFO",
        Level::WARN => " WARN",
        Level::ERROR => "ERROR",
    }
}

/// The message, then ` name=value` for each field.
struct Line<W: Write> {
    out: Printable<W>,
    result: fmt::Result,
}

impl<W: Write> Line<W> {
    /// Names are ours, values are not.
    fn field(&mut self, field: &Field, write: impl FnOnce(&mut Printable<W>) -> fmt::Result) {
        let plain = &mut self.out.0;
        let named = plain.write_str(" ").and_then(|()| match field.name() {
            "message" => Ok(()),
            name => plain.write_str(name).and_then(|()| plain.write_str("=")),
        });
        self.result = self.result.and(named).and_then(|()| write(&mut self.out));
    }
}

impl<W: Write> Visit for Line<W> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, |out| out.write_str(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |out| write!(out, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |out| write!(out, "{value:?}"));
    }
}

/// Nothing that a client sent may end a line or steer a terminal.
struct Printable<W>(W);

impl<W: Write> Write for Printable<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // All of it is looked at, many bytes at once, since almost always all of it is plain.
        let is_plain = |plain, byte| plain & (b' '..=b'~').contains(&byte);
        if text.bytes().fold(true, is_plain) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|character| match character.is_control() {
            true => write!(self.0, "{}", character.escape_default()),
            false => self.0.write_char(character),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_stay_out_of_the_log() {
        let mut text = String::new();
        let written = Printable(&mut text).write_str("/Patient/é\n\u{9b}31m\u{1b}[0m");
        assert_eq!(written, Ok(()));
        assert_eq!(text, "/Patient/é\\n\\u{9b}31m\\u{1b}[0m");
    }

    #[test]
    fn a_line_has_its_message_first_and_then_its_fields() {
        let lines = std::sync::Arc::new(crate::log::Lines::default());
        let told = tracing_subscriber::fmt()
            .with_ansi(false)
            .event_format(AccessLines(tracing_subscriber::fmt::format()))
            .with_writer(std::sync::Arc::clone(&lines))
            .finish();
        tracing::subscriber::with_default(told, || {
            let (request_id, micros) = ("a-1", 12_u64);
            let caller = Some(tracing::field::display("who"));
            tracing::info!(target: "access", request_id, caller, micros, "GET {} 200", "/x\n");
            tracing::info!("other");
        });
        let text = lines.text();
        let (access, other) = text.split_once('\n').unwrap_or_default();
        let (_, access) = access.split_once(' ').unwrap_or_default();
        assert_eq!(access, " INFO access: GET /x\\n 200 request_id=a-1 caller=who micros=12");
        assert!(other.trim_end().ends_with("other"), "{other}");
    }
}
