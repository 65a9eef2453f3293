//! `--output yaml`: block style with sorted keys, text quoted only where YAML 1.1 would read
//! something else.

use serde_json::{Map, Value};

pub(super) fn render(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => mapping(members, 0),
        Value::Array(items) if !items.is_empty() => sequence(items, 0),
        Value::Object(_) | Value::Array(_) => inline(value) + "\n",
        // A lone plain scalar ends with the end-of-document mark.
        Value::String(text) if !is_plain(text) => quoted(text) + "\n",
        scalar => inline(scalar) + "\n...\n",
    }
}

fn mapping(members: &Map<String, Value>, indent: usize) -> String {
    let mut out = String::new();
    for (index, (key, value)) in members.iter().enumerate() {
        if index > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str(&string(key));
        out.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                out.push_str(&format!("\n{}", " ".repeat(indent + 2)));
                out.push_str(&mapping(inner, indent + 2));
            }
            Value::Array(items) if !items.is_empty() => {
                out.push_str(&format!("\n{}", " ".repeat(indent)));
                out.push_str(&sequence(items, indent));
            }
            scalar => out.push_str(&format!(" {}\n", inline(scalar))),
        }
    }
    out
}

fn sequence(items: &[Value], indent: usize) -> String {
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(&" ".repeat(indent));
        }
        out.push_str("- ");
        match item {
            Value::Object(members) if !members.is_empty() => {
                out.push_str(&mapping(members, indent + 2));
            }
            Value::Array(inner) if !inner.is_empty() => out.push_str(&sequence(inner, indent + 2)),
            scalar => out.push_str(&format!("{}\n", inline(scalar))),
        }
    }
    out
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(_) => "[]".to_owned(),
        Value::Object(_) => "{}".to_owned(),
        scalar => scalar.to_string(),
    }
}

fn string(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    if text.chars().any(char::is_control) {
        return serde_json::to_string(text).unwrap_or_default();
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether the text may stand without quotes: it holds no indicator and would not be read as
/// another type.
fn is_plain(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let starts_badly = "!&*|>@`%\"'#,[]{}".contains(first)
        || ["- ", "? ", "---"].iter().any(|it| text.starts_with(it))
        || ["-", "?", "=", "<<"].contains(&text);
    let holds_indicator = text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || text.contains(|it: char| it.is_control());
    let spaced = text.starts_with([' ', ':']) || text.ends_with(' ');
    !(starts_badly || holds_indicator || spaced || is_other_type(text))
}

fn is_other_type(text: &str) -> bool {
    let words = ["~", "null", "true", "false", "yes", "no", "on", "off"];
    let lower = text.to_ascii_lowercase();
    words.contains(&lower.as_str()) || is_number(&lower) || is_timestamp(text)
}

fn is_number(lower: &str) -> bool {
    let digits = lower.strip_prefix(['+', '-']).unwrap_or(lower);
    let based = ["0x", "0b", "0o"].iter().any(|it| digits.starts_with(it));
    let begins = digits.starts_with(|it: char| it.is_ascii_digit() || it == '.');
    let only = digits.chars().all(|it| it.is_ascii_hexdigit() || "._:x".contains(it));
    let decimal = digits.chars().all(|it| it.is_ascii_digit() || "_.:".contains(it))
        && digits.matches('.').count() < 2;
    let float = begins && digits.contains('.') && digits.parse::<f64>().is_ok();
    let special = [".inf", ".nan"].contains(&digits);
    special || float || (begins && (decimal || (based && only)) && digits != ".")
}

/// `2026-11-24`, `2026-11-24 15:10:00.000000`, `2026-11-24T15:10:00Z`.
fn is_timestamp(text: &str) -> bool {
    let shape = |part: &str, like: &str| {
        part.len() == like.len()
            && part.chars().zip(like.chars()).all(|(it, is)| match is {
                '0' => it.is_ascii_digit(),
                other => it == other,
            })
    };
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    let clock = time.get(1..9).is_some_and(|it| shape(it, "00:00:00"));
    shape(date, "0000-00-00") && (time.is_empty() || (time.starts_with(['T', 't', ' ']) && clock))
}
