//! The words of an issue: what was found, what was meant, what is allowed.

use json::{Kind, Value};

/// Characters of a value that are repeated to the client.
const EXCERPT: usize = 60;
/// Names that are listed.
const NAMES: usize = 24;

/// What a value is, with its beginning when it is a scalar.
pub(super) fn found(value: Value<'_>) -> String {
    match value.kind() {
        Kind::Null => "null".to_owned(),
        Kind::Bool => value.raw_str().to_owned(),
        Kind::Number => format!("the number {}", excerpt(value.raw_str())),
        Kind::String => format!("the string {}", excerpt(value.raw_str())),
        Kind::Array => "an array".to_owned(),
        Kind::Object => "an object".to_owned(),
    }
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

/// `a, b, c`, or the first of them and how many more there are.
pub(super) fn list(names: &[&str]) -> String {
    match names.get(..NAMES) {
        Some(first) if names.len() > NAMES => {
            format!("{} and {} more", first.join(", "), names.len() - NAMES)
        }
        _ => names.join(", "),
    }
}

/// `. Did you mean 'name'?` when one of the names is near to what was written.
pub(super) fn meant<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> String {
    // Longer names are no slip of the hand, and comparing them costs.
    if written.len() > 40 {
        return ".".to_owned();
    }
    let near = names.map(|name| (distance(written, name), name)).min();
    match near {
        Some((steps, name)) if steps <= 1 + written.len() / 4 => {
            format!(". Did you mean '{name}'?")
        }
        _ => ".".to_owned(),
    }
}

/// How many letters must be changed, put in or left out; another case counts nothing.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.bytes().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (b, cell) in other.bytes().zip(row.iter_mut().skip(1)) {
            let changed = diagonal + usize::from(!a.eq_ignore_ascii_case(&b));
            diagonal = *cell;
            left = changed.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = line + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}
