//! Secrets: how they are made, how they are kept, and how they are compared.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base::Random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Bytes as base64url without padding.
pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

/// An unguessable text of 256 bits: codes, refresh tokens, client secrets. Command lines take a
/// text that begins with a dash for an option, so none does.
pub(crate) fn unguessable(random: &dyn Random) -> String {
    loop {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        let text = base64url(bytes);
        if !text.starts_with('-') {
            return text;
        }
    }
}

/// The key of this data folder that client secrets are hashed with. Made on first open.
pub(crate) struct Pepper(hmac::Key);

impl Pepper {
    pub(crate) const BYTES: usize = 32;

    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// What is kept of a client secret. It has 256 random bits: a slow hash would add nothing.
    pub(crate) fn hash(&self, secret: &str) -> SecretHash {
        SecretHash(base64url(hmac::sign(&self.0, secret.as_bytes())))
    }

    /// An identifier that tells nothing of what it is made from: the pairwise `sub` of a user.
    pub(crate) fn pairwise(&self, parts: &[&str]) -> String {
        base64url(hmac::sign(&self.0, parts.join("\n").as_bytes()))
    }
}

/// The keyed hash of a client secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretHash(String);

impl SecretHash {
    /// Whether both are of the same secret, in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(hidden)")
    }
}
