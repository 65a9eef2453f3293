//! The content of a version, compressed on the caller's core before the writer is entered.

use base::Fault;

use crate::compression::{self, BODY_BYTES_MOST, Dictionary};
use crate::forward::Forward;
use crate::key::Key;
use crate::rows::Rows;

/// The dictionary number of bodies that were compressed without one.
pub(crate) const NO_DICTIONARY: u16 = 0;
/// A longer body has more in common with itself than with a dictionary.
pub(crate) const DICTIONARY_BODY_BYTES: usize = 32 << 10;

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
    /// Compresses `body` (the bytes as given, less `id`, `meta.versionId` and `meta.lastUpdated`),
    /// with the dictionary that [`crate::Store::dictionary`] gave for the store it is for. Equal
    /// `hash` means equal content; `splice` tells the server where those three go back in.
    ///
    /// # Errors
    /// A [`Fault`] when the body is 1 GiB or longer, or memory runs out.
    pub fn compress(
        body: &[u8],
        hash: [u8; 16],
        splice: [u8; 12],
        dictionary: Option<&Dictionary>,
    ) -> Result<Self, Fault> {
        let raw_length = u32::try_from(body.len()).ok().filter(|&length| length < BODY_BYTES_MOST);
        let raw_length = raw_length.ok_or_else(|| Fault::because("a body of 1 GiB or more"))?;
        let dictionary = dictionary.filter(|_| body.len() <= DICTIONARY_BODY_BYTES);
        let body = compression::compress(body, dictionary)?;
        let dictionary = dictionary.map_or(NO_DICTIONARY, |known| known.number().get());
        let (compartments, forward, rows) = (Vec::new(), Forward::default(), Rows::default());
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
