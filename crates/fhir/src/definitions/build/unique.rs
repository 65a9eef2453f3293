//! Rows and lists that are stored once, however often they are used.

use std::collections::HashMap;
use std::marker::PhantomData;

use crate::definitions::rows::{Span, Words, length};

/// What a table already holds, by the bytes of its rows.
pub(super) struct Unique<T> {
    places: HashMap<Vec<u8>, u32>,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Unique<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), of: PhantomData }
    }
}

impl<T: Words> Unique<T> {
    /// The place of `row` in `table`, which gets it when it is new.
    pub(super) fn place(&mut self, table: &mut Vec<T>, row: T) -> u32 {
        self.span(table, vec![row]).start
    }

    /// Where `rows` stand together in `table`, which gets them when they are new.
    pub(super) fn span(&mut self, table: &mut Vec<T>, rows: Vec<T>) -> Span<T> {
        let mut key = Vec::new();
        for row in &rows {
            row.put(&mut key);
        }
        let count = length(rows.len());
        let start = *self.places.entry(key).or_insert_with(|| {
            let start = length(table.len());
            table.extend(rows);
            start
        });
        Span::new(start, count)
    }
}
