//! <https://www.rfc-editor.org/rfc/rfc9110#section-8.4>
//!
//! Bodies that come compressed by gzip or zstd.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};

use super::compress::Coding;

/// What a 415 says can be sent.
pub(crate) const READ_HERE: &str = "gzip, zstd";

/// <https://www.rfc-editor.org/rfc/rfc9659>: what a reader of zstd over HTTP has to keep, 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 23;

/// How a body is encoded that is not as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Compressed(Coding),
    /// A coding that is not read here, or several.
    Unknown(String),
}

/// Why no body came of what was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unpacked {
    /// More than the limit.
    TooLarge,
    /// It is not what its `Content-Encoding` says.
    Broken,
}

/// `Content-Encoding`; `None` for a body as it is.
pub(crate) fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(HeaderValue::as_bytes);
    let text = values.map(String::from_utf8_lossy).collect::<Vec<_>>().join(", ");
    let named = |name: &&str| !name.is_empty() && !name.eq_ignore_ascii_case("identity");
    let mut codings = text.split(',').map(str::trim).filter(named);
    let first = codings.next()?;
    Some(match (Coding::named(first), codings.next()) {
        (Some(coding), None) => Encoding::Compressed(coding),
        _ => Encoding::Unknown(text),
    })
}

/// How many bytes a body comes to, at most `limit`. None of them is kept: what is refused costs no
/// memory, and what is read exactly its own.
pub(crate) fn length(coding: Coding, bytes: &[u8], limit: usize) -> Result<usize, Unpacked> {
    let most = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut reader = reader(coding, bytes)?.take(most.saturating_add(1));
    let length = io::copy(&mut reader, &mut io::sink()).map_err(|_| Unpacked::Broken)?;
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(length),
        Ok(_) | Err(_) => Err(Unpacked::TooLarge),
    }
}

/// The body that was compressed, of that length.
pub(crate) fn decompress(coding: Coding, bytes: &[u8], length: usize) -> Result<Bytes, Unpacked> {
    let mut body = vec![0; length];
    reader(coding, bytes)?.read_exact(&mut body).map_err(|_| Unpacked::Broken)?;
    Ok(Bytes::from(body))
}

fn reader<'b>(coding: Coding, bytes: &'b [u8]) -> Result<Box<dyn Read + 'b>, Unpacked> {
    match coding {
        Coding::Gzip => Ok(Box::new(MultiGzDecoder::new(bytes))),
        Coding::Zstd => match zstd(bytes) {
            Ok(reader) => Ok(Box::new(reader)),
            Err(_) => Err(Unpacked::Broken),
        },
    }
}

fn zstd<R: BufRead>(bytes: R) -> io::Result<zstd::Decoder<'static, R>> {
    let mut reader = zstd::Decoder::with_buffer(bytes)?;
    reader.window_log_max(ZSTD_WINDOW_LOG)?;
    Ok(reader)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_content_encoding_is_one_of_two() {
        let check = |values: &[&'static str], expected: Option<Encoding>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(CONTENT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(encoding(&headers), expected, "{values:?}");
        };
        let unknown = |text: &str| Some(Encoding::Unknown(text.to_owned()));
        check(&[], None);
        check(&[""], None);
        check(&["identity"], None);
        check(&["gzip"], Some(Encoding::Compressed(Coding::Gzip)));
        check(&["X-GZIP"], Some(Encoding::Compressed(Coding::Gzip)));
        check(&["identity, zstd"], Some(Encoding::Compressed(Coding::Zstd)));
        check(&["br"], unknown("br"));
        check(&["gzip, gzip"], unknown("gzip, gzip"));
        check(&["gzip", "zstd"], unknown("gzip, zstd"));
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        out.write_all(text).and_then(|()| out.finish()).unwrap_or_default()
    }

    #[test]
    fn what_was_compressed_comes_out_up_to_the_limit() {
        let check = |coding, sent: &[u8], expected: Result<&[u8], Unpacked>| {
            let found = length(coding, sent, 8);
            let found = found.and_then(|length| decompress(coding, sent, length));
            assert_eq!(found, expected.map(Bytes::copy_from_slice), "{coding:?} {sent:?}");
        };
        let zstd = |text: &[u8]| zstd::encode_all(text, 3).unwrap_or_default();
        let (eight, nine) = (b"12345678".as_slice(), b"123456789".as_slice());
        for (coding, packed) in
            [(Coding::Gzip, &gzip as &dyn Fn(&[u8]) -> Vec<u8>), (Coding::Zstd, &zstd)]
        {
            check(coding, &packed(eight), Ok(eight));
            check(coding, &packed(nine), Err(Unpacked::TooLarge));
            check(coding, &[packed(b"1234"), packed(b"5678")].concat(), Ok(eight));
            check(coding, &[packed(eight), b"rubbish".to_vec()].concat(), Err(Unpacked::Broken));
            let cut = packed(eight);
            check(coding, cut.get(..cut.len() - 3).unwrap_or_default(), Err(Unpacked::Broken));
            check(coding, b"{}", Err(Unpacked::Broken));
        }
    }

    #[test]
    fn a_window_of_zstd_is_as_large_as_http_allows() {
        let window = |log: u32| {
            let mut out = zstd::Encoder::new(Vec::new(), 3).ok()?;
            out.window_log(log).ok()?;
            out.write_all(&vec![b' '; 1 << 10]).ok()?;
            out.finish().ok()
        };
        let read = |log| window(log).map(|sent| length(Coding::Zstd, &sent, 1 << 20).is_ok());
        assert_eq!(read(ZSTD_WINDOW_LOG), Some(true));
        assert_eq!(read(ZSTD_WINDOW_LOG + 1), Some(false));
    }
}
