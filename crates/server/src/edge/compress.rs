//! <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3>
//!
//! gzip and zstd, as the client takes them.

use std::io::{self, Write};

use base::limits;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY,
};
use http::{HeaderMap, HeaderValue};

use crate::exchange::{Answer, AnswerBody};

const GZIP_LEVEL: u32 = 4;
const ZSTD_LEVEL: i32 = 3;

/// A content coding that is made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Zstd,
}

impl Coding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The coding of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is = |known: &&(&str, Self)| name.eq_ignore_ascii_case(known.0);
        let known = [("gzip", Self::Gzip), ("x-gzip", Self::Gzip), ("zstd", Self::Zstd)];
        known.iter().find(is).map(|known| known.1)
    }
}

/// Compresses an answer if that is worth it and the client takes it. What is long is compressed
/// while it is sent, so no answer stands in memory twice.
pub(crate) fn compress(answer: &mut Answer, coding: Option<Coding>) {
    let worth_it = match &answer.body {
        AnswerBody::Empty => false,
        AnswerBody::Full(bytes) => bytes.len() > limits::COMPRESSION_BYTES,
        AnswerBody::Pieces(_) => true,
    };
    if !worth_it || !is_compressible(&answer.headers) {
        return;
    }
    answer.headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    let Some(coding) = coding else { return };
    let body = std::mem::replace(&mut answer.body, AnswerBody::Empty);
    answer.body = match body {
        AnswerBody::Empty => AnswerBody::Empty,
        AnswerBody::Full(bytes) if bytes.len() <= limits::COMPRESSED_AT_ONCE => {
            match at_once(coding, &bytes) {
                Ok(compressed) => AnswerBody::Full(compressed),
                Err(error) => {
                    tracing::warn!(%error, "an answer could not be compressed");
                    answer.body = AnswerBody::Full(bytes);
                    return;
                }
            }
        }
        AnswerBody::Full(bytes) => pieces(coding, Slices(bytes).map(Ok)),
        AnswerBody::Pieces(rest) => pieces(coding, rest),
    };
    answer.headers.remove(CONTENT_LENGTH);
    answer.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
}

/// Text of some kind that nobody encoded already or forbade to transform.
fn is_compressible(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let forbidden = headers.contains_key(CONTENT_ENCODING)
        || text(CACHE_CONTROL).is_some_and(|value| value.contains("no-transform"));
    let content_type = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let media_type =
        content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    !forbidden
        && (media_type.starts_with(b"text/")
            || [&b"json"[..], b"xml", b"ndjson", b"javascript"].into_iter().any(|kind| {
                let rest = media_type.strip_suffix(kind).and_then(<[u8]>::last);
                matches!(rest, Some(b'/' | b'+' | b'-'))
            }))
}

/// The coding that `Accept-Encoding` weighs highest; zstd where both weigh the same.
pub(crate) fn chosen(request: &HeaderMap) -> Option<Coding> {
    let (mut gzip, mut zstd, mut other) = (None, None, 0);
    for value in request.get_all(ACCEPT_ENCODING) {
        for item in value.to_str().unwrap_or_default().split(',') {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let weight = weight(parameters);
            match (Coding::named(name.trim()), name.trim()) {
                (Some(Coding::Gzip), _) => gzip = Some(weight),
                (Some(Coding::Zstd), _) => zstd = Some(weight),
                (None, "*") => other = weight,
                (None, _) => {}
            }
        }
    }
    match (gzip.unwrap_or(other), zstd.unwrap_or(other)) {
        (0, 0) => None,
        (gzip, zstd) if gzip > zstd => Some(Coding::Gzip),
        _ => Some(Coding::Zstd),
    }
}

/// `q=0.5` in thousandths; 1 when it is absent, 0 when it is no weight.
fn weight(parameters: &str) -> u16 {
    let Some((name, value)) = parameters.split_once('=') else { return 1_000 };
    if !name.trim().eq_ignore_ascii_case("q") {
        return 1_000;
    }
    let (whole, fraction) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    let thousandths = format!("{fraction:0<3}").parse::<u16>();
    match (whole, thousandths) {
        ("1", Ok(0)) => 1_000,
        ("0", Ok(fraction @ 0..=999)) => fraction,
        _ => 0,
    }
}

fn at_once(coding: Coding, bytes: &[u8]) -> io::Result<Bytes> {
    let compressed = match coding {
        Coding::Zstd => zstd::bulk::compress(bytes, ZSTD_LEVEL)?,
        Coding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL));
            encoder.write_all(bytes)?;
            encoder.finish()?
        }
    };
    Ok(compressed.into())
}

/// Cuts bytes into pieces that take little time each.
struct Slices(Bytes);

impl Iterator for Slices {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let length = self.0.len().min(limits::COMPRESSED_AT_ONCE);
        (length > 0).then(|| self.0.split_to(length))
    }
}

enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Coding::Zstd => Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?),
        })
    }

    /// Takes `bytes` and gives what is ready to be sent, which may be nothing yet.
    fn push(&mut self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        Ok(match self {
            Self::Gzip(encoder) => {
                encoder.write_all(bytes)?;
                std::mem::take(encoder.get_mut())
            }
            Self::Zstd(encoder) => {
                encoder.write_all(bytes)?;
                std::mem::take(encoder.get_mut())
            }
        })
    }

    fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

/// The pieces of an answer, compressed as they come.
fn pieces(
    coding: Coding,
    mut rest: impl Iterator<Item = Result<Bytes, base::Fault>> + Send + 'static,
) -> AnswerBody {
    let fault = |error| base::Fault::new("compressing an answer", error);
    let mut encoder = Some(Encoder::new(coding));
    AnswerBody::Pieces(Box::new(std::iter::from_fn(move || {
        loop {
            let mut running = match encoder.take()? {
                Ok(running) => running,
                Err(error) => return Some(Err(fault(error))),
            };
            match rest.next() {
                None => return Some(running.finish().map(Bytes::from).map_err(fault)),
                Some(Err(error)) => return Some(Err(error)),
                Some(Ok(bytes)) => match running.push(&bytes) {
                    Err(error) => return Some(Err(fault(error))),
                    Ok(ready) => {
                        encoder = Some(Ok(running));
                        if !ready.is_empty() {
                            return Some(Ok(ready.into()));
                        }
                    }
                },
            }
        }
    })))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn request(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))])
    }

    #[test]
    fn the_heaviest_coding_is_chosen() {
        let check = |accept: &'static str, expected: Option<Coding>| {
            assert_eq!(chosen(&request(accept)), expected, "{accept}");
        };
        let (gzip, zstd) = (Some(Coding::Gzip), Some(Coding::Zstd));
        check("gzip", gzip);
        check("GZIP", gzip);
        check("gzip, deflate, br, zstd", zstd);
        check("gzip;q=1.0, zstd;q=0.9", gzip);
        check("gzip;q=0.123, zstd;q=0.124", zstd);
        check("gzip; q=0, zstd;q=0", None);
        check("*", zstd);
        check("*;q=0.5, zstd;q=0", gzip);
        check("identity", None);
        check("br", None);
        check("gzip;q=2", None);
        check("gzip;q=x", None);
        check("", None);
    }

    #[test]
    fn what_comes_out_is_what_went_in() -> Result<(), Box<dyn std::error::Error>> {
        for size in [limits::COMPRESSION_BYTES + 1, limits::COMPRESSED_AT_ONCE, 300_000] {
            let text: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
            for (accept, coding) in [("gzip", Coding::Gzip), ("zstd", Coding::Zstd)] {
                let json = "application/fhir+json; charset=utf-8";
                let mut answer =
                    Answer::of(StatusCode::OK, HeaderValue::from_static(json), text.clone());
                compress(&mut answer, chosen(&request(accept)));
                let mut sent = Vec::new();
                match answer.body {
                    AnswerBody::Empty => {}
                    AnswerBody::Full(bytes) => sent.extend(bytes),
                    AnswerBody::Pieces(pieces) => {
                        for piece in pieces {
                            sent.extend(piece?);
                        }
                    }
                }
                assert!(sent.len() < size / 2);
                assert_eq!(read_back(coding, &sent)?, text);
            }
        }
        Ok(())
    }

    fn read_back(coding: Coding, sent: &[u8]) -> io::Result<Vec<u8>> {
        match coding {
            Coding::Zstd => zstd::stream::decode_all(sent),
            Coding::Gzip => {
                let mut text = Vec::new();
                io::Read::read_to_end(&mut flate2::read::GzDecoder::new(sent), &mut text)?;
                Ok(text)
            }
        }
    }

    #[test]
    fn only_text_that_is_long_enough_is_compressed() {
        let check = |content_type: &'static str, size: usize, expected: bool| {
            let mut answer = Answer::of(
                StatusCode::OK,
                HeaderValue::from_static(content_type),
                vec![b'a'; size],
            );
            compress(&mut answer, Some(Coding::Gzip));
            assert_eq!(answer.headers.contains_key(CONTENT_ENCODING), expected, "{content_type}");
        };
        check("application/json", limits::COMPRESSION_BYTES + 1, true);
        check("application/json", limits::COMPRESSION_BYTES, false);
        check("application/fhir+json; charset=utf-8", 2_000, true);
        check("text/html; charset=utf-8", 2_000, true);
        check("application/x-ndjson", 2_000, true);
        check("image/png", 2_000, false);
        check("application/octet-stream", 2_000, false);
    }
}
