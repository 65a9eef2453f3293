//! The content of a version, compressed on the caller's core before the writer is entered.

use std::cell::RefCell;
use std::io;

use base::Fault;
use zstd::bulk::{Compressor, Decompressor};

use crate::forward::Forward;
use crate::key::Key;
use crate::rows::Rows;

/// zstd level 1: 6.5 times smaller on Synthea at 620 MB/s.
const LEVEL: i32 = 1;
/// The dictionary number of bodies that were compressed without one, the only kind yet.
pub(crate) const NO_DICTIONARY: u16 = 0;
/// No body is this long: a row that says so is broken, and is not given the memory it asks for.
const BODY_BYTES_MOST: u32 = 1 << 30;

/// What a version holds besides its name: the compressed body and what was extracted from it.
#[derive(Clone, Debug)]
pub struct Content {
    pub(crate) hash: [u8; 16],
    pub(crate) splice: [u8; 12],
    pub(crate) raw_length: u32,
    pub(crate) dictionary: u16,
    pub(crate) body: Vec<u8>,
    /// The compartments the resource is in.
    pub compartments: Vec<Key>,
    pub(crate) forward: Forward,
    pub(crate) rows: Rows,
}

impl Content {
    /// Compresses `body` (the bytes as given, less `id`, `meta.versionId` and `meta.lastUpdated`).
    /// Equal `hash` means equal content; `splice` tells the server where those three go back in.
    ///
    /// # Errors
    /// A [`Fault`] when the body is 1 GiB or longer, or memory runs out.
    pub fn compress(body: &[u8], hash: [u8; 16], splice: [u8; 12]) -> Result<Self, Fault> {
        let raw_length = u32::try_from(body.len()).ok().filter(|&length| length < BODY_BYTES_MOST);
        let raw_length = raw_length.ok_or_else(|| Fault::because("a body of 1 GiB or more"))?;
        let body = with_compressor(|compressor| compressor.compress(body))
            .map_err(|error| Fault::new("compressing a body", error))?;
        let (compartments, forward, rows) = (Vec::new(), Forward::default(), Rows::default());
        let dictionary = NO_DICTIONARY;
        Ok(Self { hash, splice, raw_length, dictionary, body, compartments, forward, rows })
    }

    /// The same with what a search finds it by: the index rows are made here, on the caller's core.
    #[must_use]
    pub fn with_values(self, forward: Forward, compartments: Vec<Key>) -> Self {
        let rows = Rows::of(forward.view());
        Self { forward, rows, compartments, ..self }
    }

    /// The packed search values.
    #[must_use]
    pub fn forward(&self) -> &Forward {
        &self.forward
    }

    /// Bytes that the version will take in its tables, roughly; groups are bounded by it.
    pub(crate) fn stored_bytes(&self) -> usize {
        self.body.len()
            + self.forward.as_bytes().len()
            + self.rows.bytes()
            + 128 * self.compartments.len()
    }
}

/// The body that `compressed` stands for. It never grows past `raw_length`, whatever the frame
/// says.
pub(crate) fn decompress(
    compressed: &[u8],
    raw_length: u32,
    dictionary: u16,
) -> Result<Vec<u8>, Fault> {
    if dictionary != NO_DICTIONARY {
        let what =
            format!("a body names dictionary {dictionary}, which this version does not know");
        return Err(Fault::because(what));
    }
    if raw_length >= BODY_BYTES_MOST {
        return Err(Fault::because("a stored body claims to be 1 GiB or longer"));
    }
    let body = with_decompressor(|it| it.decompress(compressed, raw_length as usize))
        .map_err(|error| Fault::new("decompressing a stored body", error))?;
    if body.len() != raw_length as usize {
        return Err(Fault::because("a stored body is shorter than its row says"));
    }
    Ok(body)
}

fn with_compressor<T>(
    work: impl FnOnce(&mut Compressor<'static>) -> io::Result<T>,
) -> io::Result<T> {
    thread_local! {
        // A context holds its tables: making one per body would cost more than compressing it.
        static KEPT: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    }
    KEPT.with_borrow_mut(|kept| match kept {
        Some(compressor) => work(compressor),
        None => work(kept.insert(Compressor::new(LEVEL)?)),
    })
}

fn with_decompressor<T>(
    work: impl FnOnce(&mut Decompressor<'static>) -> io::Result<T>,
) -> io::Result<T> {
    thread_local! {
        static KEPT: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    KEPT.with_borrow_mut(|kept| match kept {
        Some(decompressor) => work(decompressor),
        None => work(kept.insert(Decompressor::new()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_as_it_was() {
        for body in [&b""[..], b"{}", &[b'x'; 100_000]] {
            let content = Content::compress(body, [1; 16], [2; 12]).unwrap();
            let back = decompress(&content.body, content.raw_length, content.dictionary).unwrap();
            assert_eq!(back, body);
        }
    }

    #[test]
    fn a_frame_that_grows_past_its_row_is_refused() {
        let bomb = Content::compress(&vec![b'0'; 8 << 20], [0; 16], [0; 12]).unwrap();
        assert!(bomb.body.len() < 2_000, "eight megabytes in {} bytes", bomb.body.len());
        assert!(decompress(&bomb.body, 1_000, NO_DICTIONARY).is_err());
        assert!(decompress(&bomb.body, (8 << 20) + 1, NO_DICTIONARY).is_err());
        assert!(decompress(&bomb.body, u32::MAX, NO_DICTIONARY).is_err());
        assert!(decompress(&bomb.body, 8 << 20, 7).is_err());
        assert!(decompress(b"not a frame", 100, NO_DICTIONARY).is_err());
    }
}
