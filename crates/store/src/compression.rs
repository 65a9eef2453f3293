//! <https://www.rfc-editor.org/rfc/rfc8878.html>: bodies compressed and back, with what bodies of one
//! type have in common told to zstd beforehand or without.

use std::cell::RefCell;
use std::num::NonZero;
use std::sync::OnceLock;

use base::Fault;
use zstd::zstd_safe::{self, CCtx, CDict, DCtx, DDict, SafeResult};

/// The fastest of zstd's levels that still counts the frequency of letters.
const LEVEL: i32 = 1;
/// Bytes of a dictionary: twice as many save another hundredth.
const DICTIONARY_BYTES: usize = 16 << 10;
/// Where the number of a dictionary stands within it, four bytes, the lowest first.
const NUMBER_AT: std::ops::Range<usize> = 4..8;
/// No body is this long: a row that says so is broken, and is not given the memory it asks for.
pub(crate) const BODY_BYTES_MOST: u32 = 1 << 30;

/// What bodies of one type have in common. Rows name it by its number, so it never changes.
pub struct Dictionary {
    number: NonZero<u16>,
    bytes: Vec<u8>,
    /// Made when it is first used: a start needs none of them.
    encoder: OnceLock<Option<CDict<'static>>>,
    decoder: OnceLock<Option<DDict<'static>>>,
}

impl Dictionary {
    /// A dictionary as it was made by [`train`].
    pub(crate) fn new(number: NonZero<u16>, mut bytes: Vec<u8>) -> Option<Self> {
        // Frames name it as rows do: a row that names another is noticed.
        let within = bytes.get_mut(NUMBER_AT)?;
        within.copy_from_slice(&u32::from(number.get()).to_le_bytes());
        Some(Self { number, bytes, encoder: OnceLock::new(), decoder: OnceLock::new() })
    }

    pub(crate) fn number(&self) -> NonZero<u16> {
        self.number
    }

    fn encoder(&self) -> Result<&CDict<'static>, Fault> {
        let encoder = self.encoder.get_or_init(|| CDict::try_create(&self.bytes, LEVEL));
        encoder.as_ref().ok_or_else(|| self.unusable())
    }

    fn decoder(&self) -> Result<&DDict<'static>, Fault> {
        let decoder = self.decoder.get_or_init(|| DDict::try_create(&self.bytes));
        decoder.as_ref().ok_or_else(|| self.unusable())
    }

    fn unusable(&self) -> Fault {
        Fault::because(format!("dictionary {} cannot be used", self.number))
    }
}

impl std::fmt::Debug for Dictionary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dictionary").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The bytes of a dictionary for texts like `samples`; `None` when there are too few of them.
pub(crate) fn train(samples: &[Vec<u8>]) -> Option<Vec<u8>> {
    let lengths = samples.iter().map(Vec::len).collect::<Vec<_>>();
    zstd::dict::from_continuous(&samples.concat(), &lengths, DICTIONARY_BYTES).ok()
}

/// The frame of a body.
pub(crate) fn compress(body: &[u8], dictionary: Option<&Dictionary>) -> Result<Vec<u8>, Fault> {
    thread_local! {
        // A context holds its tables: making one per body would cost more than compressing it.
        static KEPT: RefCell<Option<CCtx<'static>>> = const { RefCell::new(None) };
    }
    KEPT.with_borrow_mut(|kept| {
        let context = match kept {
            Some(context) => context,
            None => kept.insert(CCtx::try_create().ok_or_else(no_memory)?),
        };
        let mut frame = Vec::with_capacity(zstd_safe::compress_bound(body.len()));
        checked(
            "compressing a body",
            match dictionary {
                Some(known) => context.compress_using_cdict(&mut frame, body, known.encoder()?),
                None => context.compress(&mut frame, body, LEVEL),
            },
        )?;
        Ok(frame)
    })
}

/// The body that `frame` stands for. It never grows past `length`, whatever the frame says.
pub(crate) fn decompress(
    frame: &[u8],
    length: u32,
    dictionary: Option<&Dictionary>,
) -> Result<Vec<u8>, Fault> {
    thread_local! {
        static KEPT: RefCell<Option<DCtx<'static>>> = const { RefCell::new(None) };
    }
    if length >= BODY_BYTES_MOST {
        return Err(Fault::because("a stored body claims to be 1 GiB or longer"));
    }
    let body = KEPT.with_borrow_mut(|kept| {
        let context = match kept {
            Some(context) => context,
            None => kept.insert(DCtx::try_create().ok_or_else(no_memory)?),
        };
        let mut body = Vec::with_capacity(length as usize);
        checked(
            "decompressing a stored body",
            match dictionary {
                Some(known) => context.decompress_using_ddict(&mut body, frame, known.decoder()?),
                None => context.decompress(&mut body, frame),
            },
        )?;
        Ok::<_, Fault>(body)
    })?;
    if body.len() != length as usize {
        return Err(Fault::because("a stored body is shorter than its row says"));
    }
    Ok(body)
}

fn checked(doing: &str, result: SafeResult) -> Result<usize, Fault> {
    let why = |code| Fault::because(format!("{doing}: {}", zstd_safe::get_error_name(code)));
    result.map_err(why)
}

fn no_memory() -> Fault {
    Fault::because("no memory for zstd")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dictionary(number: u16) -> Dictionary {
        let sample = |count: usize| {
            let text = format!(r#"{{"resourceType":"Patient","active":true,"gender":"{count}"}}"#);
            text.repeat(4).into_bytes()
        };
        let bytes = train(&(0..200).map(sample).collect::<Vec<_>>()).unwrap();
        Dictionary::new(NonZero::new(number).unwrap(), bytes).unwrap()
    }

    #[test]
    fn a_body_comes_back_as_it_was() {
        let known = dictionary(1);
        for body in [&b""[..], b"{}", &[b'x'; 100_000], br#"{"resourceType":"Patient"}"#] {
            for dictionary in [None, Some(&known)] {
                let frame = compress(body, dictionary).unwrap();
                let length = u32::try_from(body.len()).unwrap();
                assert_eq!(decompress(&frame, length, dictionary).unwrap(), body);
            }
        }
    }

    #[test]
    fn what_the_dictionary_knows_is_not_written_again() {
        let body = br#"{"resourceType":"Patient","active":true,"gender":"77"}"#;
        let (without, with) = (compress(body, None), compress(body, Some(&dictionary(1))));
        assert!(with.unwrap().len() * 2 < without.unwrap().len());
    }

    #[test]
    fn another_dictionary_than_the_one_of_the_frame_is_refused() {
        let body = br#"{"resourceType":"Patient","active":true}"#;
        let length = u32::try_from(body.len()).unwrap();
        let frame = compress(body, Some(&dictionary(300))).unwrap();
        assert!(decompress(&frame, length, Some(&dictionary(301))).is_err());
        assert!(decompress(&frame, length, None).is_err());
        assert_eq!(decompress(&frame, length, Some(&dictionary(300))).unwrap(), body);
    }

    #[test]
    fn a_frame_that_grows_past_its_row_is_refused() {
        let known = dictionary(1);
        for dictionary in [None, Some(&known)] {
            let bomb = compress(&vec![b'0'; 8 << 20], dictionary).unwrap();
            assert!(bomb.len() < 2_000, "eight megabytes in {} bytes", bomb.len());
            assert!(decompress(&bomb, 1_000, dictionary).is_err());
            assert!(decompress(&bomb, (8 << 20) + 1, dictionary).is_err());
            assert!(decompress(&bomb, u32::MAX, dictionary).is_err());
            assert!(decompress(b"not a frame", 100, dictionary).is_err());
        }
    }

    #[test]
    fn what_is_no_dictionary_is_a_fault_when_it_is_used() {
        let mut bytes = dictionary(1).bytes;
        bytes[8..64].fill(0xff);
        let broken = Dictionary::new(NonZero::new(1).unwrap(), bytes).unwrap();
        assert!(compress(b"{}", Some(&broken)).is_err());
        let frame = compress(b"{}", Some(&dictionary(1))).unwrap();
        assert!(decompress(&frame, 2, Some(&broken)).is_err());
    }

    #[test]
    fn nothing_is_made_of_too_few_samples() {
        assert!(train(&[]).is_none());
        assert!(train(&[b"{}".to_vec()]).is_none());
    }
}
