//! <https://www.rfc-editor.org/rfc/rfc6901>: JSON Pointer.

use json::{Kind, Value};

use super::Flaw;

/// Where a pointer points: at a place that may not exist yet.
pub(super) enum Spot<'d> {
    /// The whole document.
    Root(Value<'d>),
    /// A member, which may be missing.
    Member { object: Value<'d>, key: String, value: Option<Value<'d>> },
    /// An element; `index` may be the one past the last, `value` is then None.
    Element { array: Value<'d>, index: usize, value: Option<Value<'d>> },
}

impl<'d> Spot<'d> {
    /// What stands there.
    pub(super) fn value(&self) -> Option<Value<'d>> {
        match self {
            Spot::Root(value) => Some(*value),
            Spot::Member { value, .. } | Spot::Element { value, .. } => *value,
        }
    }
}

/// The tokens of a pointer, unescaped.
pub(super) fn tokens(pointer: &str) -> Result<Vec<String>, Flaw> {
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let Some(tokens) = pointer.strip_prefix('/') else {
        let text = format!("'{pointer}' is not a JSON Pointer: those begin with '/', as /name/0");
        return Err(Flaw::malformed(text));
    };
    let unescaped = |token: &str| {
        let wrong = token.split('~').skip(1).any(|after| !after.starts_with(['0', '1']));
        if wrong {
            let text = format!("in '{pointer}', '~' is not followed by 0 (for ~) or 1 (for /)");
            return Err(Flaw::malformed(text));
        }
        Ok(token.replace("~1", "/").replace("~0", "~"))
    };
    tokens.split('/').map(unescaped).collect()
}

/// Finds where a pointer points. All but its last token must exist.
pub(super) fn find<'d>(root: Value<'d>, pointer: &str) -> Result<Spot<'d>, Flaw> {
    let tokens = tokens(pointer)?;
    let Some((last, before)) = tokens.split_last() else { return Ok(Spot::Root(root)) };
    let (mut at, mut path) = (root, String::new());
    for token in before {
        let spot = step(at, token, &path)?;
        path.push('/');
        path.push_str(token);
        at = spot.value().ok_or_else(|| missing(&path))?;
    }
    step(at, last, &path)
}

pub(super) fn missing(path: &str) -> Flaw {
    Flaw::inapplicable(format!("there is nothing at {path}"))
}

fn step<'d>(at: Value<'d>, token: &str, path: &str) -> Result<Spot<'d>, Flaw> {
    match at.kind() {
        Kind::Object => {
            Ok(Spot::Member { object: at, key: token.to_owned(), value: at.get(token) })
        }
        Kind::Array => {
            let length = at.len();
            let index = if token == "-" { length } else { index(token, path)? };
            if index > length {
                let text = format!("{path} has {length} elements, there is no place {index} in it");
                return Err(Flaw::inapplicable(text));
            }
            Ok(Spot::Element { array: at, index, value: at.elements().nth(index) })
        }
        Kind::Null | Kind::Bool | Kind::Number | Kind::String => {
            let text = format!("{path} has nothing inside it: it is neither object nor array");
            Err(Flaw::inapplicable(text))
        }
    }
}

/// Digits without leading zeros.
fn index(token: &str, path: &str) -> Result<usize, Flaw> {
    let plain = token == "0" || (!token.starts_with('0') && !token.is_empty());
    let digits = plain && token.bytes().all(|byte| byte.is_ascii_digit());
    let index = digits.then(|| token.parse().ok()).flatten();
    index.ok_or_else(|| {
        let text = format!("'{token}' is not an index into the array {path}: those are 0, 1, 2…");
        Flaw::inapplicable(text)
    })
}
