//! Rows of 32-bit words: how tables lie in a pack, and how they are read in one pass.
//!
//! Little-endian words, no padding. A text is a number in the table of texts beside the rows; a
//! list is a [`Span`] of another table.

use std::marker::PhantomData;

/// A value of a fixed number of words.
pub(crate) trait Words: Sized {
    /// How many words it takes.
    const COUNT: usize;
    /// Appends it.
    fn put(&self, out: &mut Vec<u8>);
    /// Reads it; none when the words end or mean nothing.
    fn read(from: &mut Cursor<'_>) -> Option<Self>;
}

/// What is still unread of a decompressed section.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn word(&mut self) -> Option<u32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*word))
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.0
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// Appends a table: how many rows, then the rows.
pub(crate) fn put_table<T: Words>(rows: &[T], out: &mut Vec<u8>) {
    length(rows.len()).put(out);
    for row in rows {
        row.put(out);
    }
}

/// Reads a table; what it claims to hold is believed only as far as there are bytes.
pub(crate) fn read_table<T: Words>(from: &mut Cursor<'_>) -> Option<Vec<T>> {
    let count = usize::try_from(from.word()?).ok()?;
    let mut rows = Cursor(from.bytes(count.checked_mul(T::COUNT * 4)?)?);
    (0..count).map(|_| T::read(&mut rows)).collect()
}

/// A length as it stands in a pack. Tables and texts are far below four thousand million.
pub(crate) fn length(of: usize) -> u32 {
    u32::try_from(of).unwrap_or(u32::MAX)
}

impl Words for u32 {
    const COUNT: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_le_bytes());
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        from.word()
    }
}

impl Words for bool {
    const COUNT: usize = 1;

    fn put(&self, out: &mut Vec<u8>) {
        u32::from(*self).put(out);
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        match from.word()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

/// The highest word stands for none, so that what is optional takes one word, as what is not.
impl<T: Words> Words for Option<T> {
    const COUNT: usize = T::COUNT;

    fn put(&self, out: &mut Vec<u8>) {
        const { assert!(T::COUNT == 1, "none is one word") };
        match self {
            Some(value) => value.put(out),
            None => u32::MAX.put(out),
        }
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        let mut ahead = *from;
        if ahead.word()? == u32::MAX {
            *from = ahead;
            return Some(None);
        }
        T::read(from).map(Some)
    }
}

/// A run of rows of a table of `T`.
pub(crate) struct Span<T> {
    pub(crate) start: u32,
    pub(crate) length: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Span<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Span<T> {}

impl<T> Default for Span<T> {
    fn default() -> Self {
        Self::new(0, 0)
    }
}

impl<T> Span<T> {
    pub(crate) fn new(start: u32, length: u32) -> Self {
        Self { start, length, of: PhantomData }
    }

    /// From `start` to where `table` ends now.
    pub(crate) fn since(start: usize, table: &[T]) -> Self {
        Self::new(length(start), length(table.len().saturating_sub(start)))
    }

    /// The rows; nothing where the table has none, as only a wrong pack would have it.
    pub(crate) fn of(self, table: &[T]) -> &[T] {
        table.get(self.range()).unwrap_or_default()
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        let start = self.start as usize;
        start..start.saturating_add(self.length as usize)
    }
}

impl<T> Words for Span<T> {
    const COUNT: usize = 2;

    fn put(&self, out: &mut Vec<u8>) {
        self.start.put(out);
        self.length.put(out);
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        Some(Self::new(from.word()?, from.word()?))
    }
}

impl<A: Words, B: Words, C: Words> Words for (A, B, C) {
    const COUNT: usize = A::COUNT + B::COUNT + C::COUNT;

    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
        self.2.put(out);
    }

    fn read(from: &mut Cursor<'_>) -> Option<Self> {
        Some((A::read(from)?, B::read(from)?, C::read(from)?))
    }
}

/// A section as it is in memory: its texts and its tables.
pub(crate) trait Section: Sized + Default {
    /// The section's bytes before compression.
    fn encode(&self) -> Vec<u8>;
    /// The section from its bytes; none when they are not one.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

/// A row: named columns, each of a fixed number of words.
macro_rules! row {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$about:meta])* $column:ident: $ty:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default)]
        pub(crate) struct $name { $($(#[$about])* pub(crate) $column: $ty,)* }

        impl $crate::definitions::rows::Words for $name {
            const COUNT: usize = 0 $(+ <$ty as $crate::definitions::rows::Words>::COUNT)*;

            fn put(&self, out: &mut Vec<u8>) {
                $(self.$column.put(out);)*
            }

            fn read(from: &mut $crate::definitions::rows::Cursor<'_>) -> Option<Self> {
                Some(Self { $($column: $crate::definitions::rows::Words::read(from)?,)* })
            }
        }
    };
}

/// A section: texts, and tables in the order in which they lie in the pack.
macro_rules! section {
    ($(#[$doc:meta])* struct $name:ident { $($(#[$about:meta])* $table:ident: $row:ty,)* }) => {
        $(#[$doc])*
        #[derive(Default)]
        pub(crate) struct $name {
            pub(crate) texts: $crate::definitions::texts::Texts,
            $($(#[$about])* pub(crate) $table: Vec<$row>,)*
        }

        impl $crate::definitions::rows::Section for $name {
            fn encode(&self) -> Vec<u8> {
                let mut out = Vec::new();
                self.texts.put(&mut out);
                $($crate::definitions::rows::put_table(&self.$table, &mut out);)*
                out
            }

            fn decode(bytes: &[u8]) -> Option<Self> {
                let mut from = $crate::definitions::rows::Cursor::new(bytes);
                let read = Self {
                    texts: $crate::definitions::texts::Texts::read(&mut from)?,
                    $($table: $crate::definitions::rows::read_table(&mut from)?,)*
                };
                from.is_at_end().then_some(read)
            }
        }
    };
}

/// A closed list of the specification's codes; in a row, the place in the list.
macro_rules! codes {
    ($(#[$doc:meta])* $vis:vis enum $name:ident {
        $($(#[$about:meta])* $variant:ident = $code:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$about])* $variant,)* }

        impl $name {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $code),)*];

            /// The code as the specification writes it.
            $vis fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The one that the specification writes so.
            #[must_use]
            $vis fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().find(|(_, known)| *known == code).map(|(one, _)| *one)
            }
        }

        impl $crate::definitions::rows::Words for $name {
            const COUNT: usize = 1;

            fn put(&self, out: &mut Vec<u8>) {
                (*self as u32).put(out);
            }

            fn read(from: &mut $crate::definitions::rows::Cursor<'_>) -> Option<Self> {
                Self::ALL.get(from.word()? as usize).map(|(one, _)| *one)
            }
        }
    };
}

pub(crate) use {codes, row, section};
