//! What commands print: one value, narrowed by `--query`, in one of the formats of `az`.
//!
//! The formats are those of the Azure CLI byte for byte, because scripts cut them apart: sorted
//! keys in JSON and YAML, Python's `True` and `None` in columns, no output at all for a null
//! result.

mod query;
mod table;
mod tsv;
mod yaml;

use std::io::{self, IsTerminal, Write};

use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::Value;

use query::Shape;
pub(crate) use query::{JmesPath, parse as parse_query};

/// `--query` and `--output`, as every `az` command has them.
#[derive(Args, Debug, Default)]
pub(crate) struct OutputArgs {
    /// JMESPath that narrows what is printed; see <https://jmespath.org>
    #[arg(long, value_name = "JMESPATH", value_parser = parse_query)]
    query: Option<JmesPath>,
    /// Format of what is printed
    #[arg(long, short, value_enum, ignore_case = true, default_value_t = Format::Json)]
    output: Format,
}

/// The formats of `az`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON, two spaces of indentation
    #[default]
    Json,
    /// JSON, coloured on a terminal
    Jsonc,
    /// Values separated by tabs, no header
    Tsv,
    /// Columns under a header
    Table,
    /// YAML
    #[value(alias = "yamlc")]
    Yaml,
    /// Nothing
    None,
}

impl OutputArgs {
    /// Prints `value` as the options say.
    pub(crate) fn print(&self, value: Value) -> Result<()> {
        let colour = io::stdout().is_terminal();
        say_exactly(&self.render(value, colour)?)
    }

    /// Like [`OutputArgs::print`]; as a table without `--query` these columns are shown, in this
    /// order.
    pub(crate) fn print_with_columns(&self, value: Value, columns: &[Column]) -> Result<()> {
        if self.query.is_none() && self.output == Format::Table {
            return say_exactly(&table::columns(&value, columns));
        }
        self.print(value)
    }

    fn render(&self, value: Value, colour: bool) -> Result<String> {
        let (value, shape) = match &self.query {
            None => (value, Shape::default()),
            Some(query) => (query.search(&value)?, query.shape()),
        };
        if value.is_null() {
            return Ok(String::new());
        }
        Ok(match self.output {
            Format::Jsonc if colour => coloured(&json(&value)?),
            Format::Json | Format::Jsonc => json(&value)?,
            Format::Tsv => tsv::render(&value, &shape),
            Format::Table => table::render(&value, &shape),
            Format::Yaml => yaml::render(&value),
            Format::None => String::new(),
        })
    }
}

/// A column of a command's own table: its title and where its value stands (a JSON pointer).
pub(crate) type Column = (&'static str, &'static str);

/// Two spaces of indentation, keys sorted (`serde_json` keeps its maps sorted), a line feed at the
/// end.
fn json(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// Keys bold blue, text in yellow, as a reader of a terminal likes it; the characters are those of
/// `json`.
fn coloured(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    for line in json.lines() {
        let start = line.len() - line.trim_start().len();
        let (indent, rest) = line.split_at(start);
        out.push_str(indent);
        match rest.split_once("\": ") {
            Some((key, value)) if key.starts_with('"') => {
                out.push_str(&format!("\u{1b}[1;34m{key}\"\u{1b}[0m: "));
                out.push_str(&coloured_value(value));
            }
            _ => out.push_str(&coloured_value(rest)),
        }
        out.push('\n');
    }
    out
}

fn coloured_value(value: &str) -> String {
    if value.starts_with('"') { format!("\u{1b}[33m{value}\u{1b}[0m") } else { value.to_owned() }
}

/// Writes a line to standard output.
pub(crate) fn say(line: &str) -> Result<()> {
    say_exactly(&format!("{line}\n"))
}

/// Writes to standard output. A reader that went away (`| head`) is no failure; a secret that is
/// shown once and did not fit on the disk is.
fn say_exactly(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow!("what was to be printed could not be written ({error})"))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Writes a line to standard error: what is for the person, not for the script.
pub(crate) fn note(line: &str) {
    let _gone = writeln!(io::stderr().lock(), "{line}");
}

/// `92345` as `92,345`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests;
