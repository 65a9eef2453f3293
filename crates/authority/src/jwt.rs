//! <https://www.rfc-editor.org/rfc/rfc7519>
//!
//! A compact JWT taken apart, without trusting any of it. Checks are the business of who reads it.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde::de::DeserializeOwned;

/// Base64url with or without padding.
pub(crate) const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The three parts of a compact JWT, header and payload decoded.
pub(crate) struct Jwt<'a> {
    pub(crate) header: Vec<u8>,
    pub(crate) payload: Vec<u8>,
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Jwt<'a> {
    /// Takes `token` apart; none when it has not three parts of base64url.
    pub(crate) fn split(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        if payload.contains('.') {
            return None;
        }
        let decode = |part: &str| BASE64URL.decode(part).ok();
        Some(Self { header: decode(header)?, payload: decode(payload)?, signed, signature })
    }

    /// The header as `T`.
    pub(crate) fn header<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.header).ok()
    }

    /// The payload as `T`.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.payload).ok()
    }

    /// Whether the signature is of `key` by `algorithm`.
    pub(crate) fn is_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        let signature = self.signature.trim_end_matches('=');
        crypto::verify(signature, self.signed.as_bytes(), key, algorithm).unwrap_or(false)
    }
}
