//! The text of an array with one element more, fewer, or elsewhere; the rest keeps its bytes.

use json::Value;

/// With `json` before the element `index`, which may be the one past the last.
pub(super) fn insert(array: Value<'_>, index: usize, json: &[u8]) -> Vec<u8> {
    let start = array.span().start;
    let mut before = array.elements().skip(index.saturating_sub(1));
    let (at, parts): (usize, [&[u8]; 3]) = match (index, before.next(), before.next()) {
        (_, None, _) => (1, [b"", json, b""]),
        (0, Some(first), _) => (first.span().start - start, [b"", json, b","]),
        (_, Some(_), Some(next)) => (next.span().start - start, [b"", json, b","]),
        (_, Some(last), None) => (last.span().end - start, [b",", json, b""]),
    };
    let (head, tail) = array.raw().split_at(at);
    [head, &parts.concat(), tail].concat()
}

/// Without the element `index`.
pub(super) fn remove(array: Value<'_>, index: usize) -> Vec<u8> {
    let raw = array.raw();
    let start = array.span().start;
    let spans: Vec<_> = array.elements().map(Value::span).collect();
    let Some(own) = spans.get(index) else { return raw.to_vec() };
    let previous = index.checked_sub(1).and_then(|previous| spans.get(previous));
    let cut = match (spans.get(index + 1), previous) {
        (Some(next), _) => own.start..next.start,
        (None, Some(previous)) => previous.end..own.end,
        (None, None) => own.clone(),
    };
    let head = raw.get(..cut.start - start).unwrap_or_default();
    [head, raw.get(cut.end - start..).unwrap_or_default()].concat()
}

/// With the element `index` replaced.
pub(super) fn replace(array: Value<'_>, index: usize, json: &[u8]) -> Vec<u8> {
    let elements: Vec<_> = array.elements().map(Value::raw).collect();
    let replaced = elements.into_iter().enumerate();
    filled(array, replaced.map(|(at, raw)| if at == index { json } else { raw }))
}

/// With the element `source` taken out and put back so that it is the element `destination`.
pub(super) fn shift(array: Value<'_>, source: usize, destination: usize) -> Vec<u8> {
    let mut elements: Vec<_> = array.elements().map(Value::raw).collect();
    if source < elements.len() && destination < elements.len() {
        let moved = elements.remove(source);
        elements.insert(destination, moved);
    }
    filled(array, elements.into_iter())
}

/// The array with other texts where its elements stand, what is between them unchanged.
fn filled<'t>(array: Value<'_>, texts: impl Iterator<Item = &'t [u8]>) -> Vec<u8> {
    let (raw, start) = (array.raw(), array.span().start);
    let (mut out, mut done) = (Vec::with_capacity(raw.len()), 0);
    for (element, text) in array.elements().zip(texts) {
        let span = element.span();
        out.extend_from_slice(raw.get(done..span.start - start).unwrap_or_default());
        out.extend_from_slice(text);
        done = span.end - start;
    }
    out.extend_from_slice(raw.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use json::{Document, Limits};

    use super::*;

    fn of(text: &str, change: impl Fn(Value<'_>) -> Vec<u8>) -> String {
        let document = Document::parse(text.to_owned(), &Limits::default()).expect("an array");
        String::from_utf8(change(document.root())).expect("UTF-8")
    }

    #[test]
    fn what_is_between_elements_stays() {
        assert_eq!(of("[ ]", |array| insert(array, 0, b"9")), "[9 ]");
        let list = "[ 1, 2 ,\n3 ]";
        assert_eq!(of(list, |array| insert(array, 0, b"9")), "[ 9,1, 2 ,\n3 ]");
        assert_eq!(of(list, |array| insert(array, 1, b"9")), "[ 1, 9,2 ,\n3 ]");
        assert_eq!(of(list, |array| insert(array, 3, b"9")), "[ 1, 2 ,\n3,9 ]");
        assert_eq!(of(list, |array| remove(array, 0)), "[ 2 ,\n3 ]");
        assert_eq!(of(list, |array| remove(array, 1)), "[ 1, 3 ]");
        assert_eq!(of(list, |array| remove(array, 2)), "[ 1, 2 ]");
        assert_eq!(of("[ 1 ]", |array| remove(array, 0)), "[  ]");
        assert_eq!(of(list, |array| replace(array, 1, b"true")), "[ 1, true ,\n3 ]");
        assert_eq!(of(list, |array| shift(array, 0, 2)), "[ 2, 3 ,\n1 ]");
        assert_eq!(of(list, |array| shift(array, 2, 0)), "[ 3, 1 ,\n2 ]");
    }
}
