//! Texts of a section, each once, told apart by number.

use std::collections::HashMap;

use super::rows::{Cursor, Words, length};

/// The number of a text in its section; 0 is the empty text, which stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Text(u32);

impl Text {
    pub(crate) fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl Words for Text {
    const COUNT: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        from.word().map(Self)
    }
}

/// All texts of a section in one string, and where each ends.
#[derive(Default)]
pub(crate) struct Texts {
    all: String,
    ends: Vec<u32>,
}

impl Texts {
    /// The text; empty where there is none.
    pub(crate) fn get(&self, text: Text) -> &str {
        let Some(before) = (text.0 as usize).checked_sub(1) else { return "" };
        let start = match before.checked_sub(1) {
            Some(previous) => self.ends.get(previous).copied().unwrap_or(0),
            None => 0,
        };
        let end = self.ends.get(before).copied().unwrap_or(0);
        self.all.get(start as usize..end as usize).unwrap_or_default()
    }

    /// The text, if it is there.
    pub(crate) fn some(&self, text: Text) -> Option<&str> {
        (!text.is_none()).then(|| self.get(text))
    }

    /// The texts of a list.
    pub(crate) fn list<'a>(&'a self, texts: &'a [Text]) -> impl Iterator<Item = &'a str> {
        texts.iter().map(|text| self.get(*text))
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        super::rows::put_table(&self.ends, out);
        length(self.all.len()).put(out);
        out.extend_from_slice(self.all.as_bytes());
    }

    pub(crate) fn read(from: &mut Cursor<'_>) -> Option<Self> {
        let ends = super::rows::read_table(from)?;
        let bytes = usize::try_from(from.word()?).ok()?;
        let all = std::str::from_utf8(from.bytes(bytes)?).ok()?.to_owned();
        Some(Self { all, ends })
    }
}

/// Gives each text its number while a section is built.
#[derive(Default)]
pub(crate) struct Interner {
    texts: Texts,
    numbers: HashMap<Box<str>, Text>,
}

impl Interner {
    pub(crate) fn text(&mut self, text: &str) -> Text {
        if text.is_empty() {
            return Text::default();
        }
        if let Some(known) = self.numbers.get(text) {
            return *known;
        }
        self.texts.all.push_str(text);
        self.texts.ends.push(length(self.texts.all.len()));
        let number = Text(length(self.texts.ends.len()));
        self.numbers.insert(text.into(), number);
        number
    }

    pub(crate) fn get(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// The texts, when everything was read.
    pub(crate) fn finish(self) -> Texts {
        self.texts
    }
}

/// The places of a table's rows in the order of a key, for binary search.
pub(crate) fn order_by<T, K: Ord>(rows: &[T], key: impl Fn(&T) -> K) -> Vec<u32> {
    let mut places: Vec<u32> = (0..length(rows.len())).collect();
    places.sort_by_key(|place| rows.get(*place as usize).map(&key));
    places
}

/// The last row whose key is `wanted`, among places that [`order_by`] sorted.
pub(crate) fn find_last<'r, T>(
    places: &[u32],
    rows: &'r [T],
    compare: impl Fn(&T) -> std::cmp::Ordering,
) -> Option<(usize, &'r T)> {
    let row = |place: &u32| rows.get(*place as usize);
    let after = places.partition_point(|place| row(place).is_some_and(|row| compare(row).is_le()));
    let place = *places.get(after.checked_sub(1)?)? as usize;
    let row = rows.get(place)?;
    compare(row).is_eq().then_some((place, row))
}
