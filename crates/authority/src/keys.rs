//! <https://www.rfc-editor.org/rfc/rfc7517>
//!
//! The keys that sign tokens. The current one signs; the next one is published ahead of its time,
//! so that whoever caches the key set knows it when it comes; the previous one still verifies.

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use base::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::DecodingKey;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::jwt::BASE64URL;
use crate::secret::{base64url, sha256};
use store::control::{Change, ControlStore};

const COLLECTION: &str = "signing_keys";
const RECORD: &[u8] = b"all";

/// A public key as the key set shows it: RSA, RS256, for signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKey {
    /// The key id in token headers.
    pub kid: String,
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
    /// SHA-1 of the certificate, base64url.
    pub x5t: String,
    /// The certificate, DER in standard base64.
    pub x5c: String,
}

/// As kept in the control store: private key (PKCS#8) and certificate, both DER in base64url.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    pkcs8: String,
    certificate: String,
}

/// A key pair that can sign.
struct SigningKey {
    stored: Stored,
    published: PublishedKey,
    pair: RsaKeyPair,
    verify: DecodingKey,
}

/// The live keys: the next one, the current one and, after a rotation, the previous one.
pub(crate) struct KeySet {
    next: SigningKey,
    current: SigningKey,
    previous: Option<SigningKey>,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.live().map(|key| &key.published.kid)).finish()
    }
}

impl KeySet {
    /// Reads the keys, or makes the first two.
    pub(crate) fn open(control: &ControlStore) -> Result<Self, Fault> {
        let Some(record) = control.get(COLLECTION, RECORD)? else {
            let keys = Self { next: generate()?, current: generate()?, previous: None };
            keys.write(control)?;
            return Ok(keys);
        };
        let stored: Vec<Stored> = serde_json::from_slice(&record)
            .map_err(|error| Fault::new("reading the signing keys", error))?;
        let mut keys = stored.into_iter().map(SigningKey::load);
        let mut key = || keys.next().transpose();
        let absent = || Fault::because("the record of the signing keys holds fewer than two");
        Ok(Self {
            next: key()?.ok_or_else(absent)?,
            current: key()?.ok_or_else(absent)?,
            previous: key()?,
        })
    }

    /// The set in which the next key signs. The one that was previous verifies no longer.
    pub(crate) fn rotate(&self, control: &ControlStore) -> Result<Self, Fault> {
        let keys = Self {
            next: generate()?,
            current: SigningKey::load(self.next.stored.clone())?,
            previous: Some(SigningKey::load(self.current.stored.clone())?),
        };
        keys.write(control)?;
        Ok(keys)
    }

    fn write(&self, control: &ControlStore) -> Result<(), Fault> {
        let stored: Vec<&Stored> = self.live().map(|key| &key.stored).collect();
        let value = serde_json::to_vec(&stored)
            .map_err(|error| Fault::new("writing the signing keys", error))?;
        control.write(&[Change::Put {
            collection: COLLECTION.to_owned(),
            key: RECORD.to_vec(),
            value,
        }])
    }

    fn live(&self) -> impl Iterator<Item = &SigningKey> {
        [&self.next, &self.current].into_iter().chain(&self.previous)
    }

    /// The live keys as the key set shows them.
    pub(crate) fn published(&self) -> Vec<PublishedKey> {
        self.live().map(|key| key.published.clone()).collect()
    }

    /// The live key with this id.
    pub(crate) fn verifier(&self, kid: &str) -> Option<&DecodingKey> {
        self.live().find(|key| key.published.kid == kid).map(|key| &key.verify)
    }

    /// Whether a live key has this id.
    pub(crate) fn is_live(&self, kid: &str) -> bool {
        self.verifier(kid).is_some()
    }

    /// Signs `claims` with the current key, as a compact JWT.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, Fault> {
        let SigningKey { published, pair, .. } = &self.current;
        let header = json!({
            "typ": "JWT", "alg": "RS256", "kid": published.kid, "x5t": published.x5t
        });
        let claims =
            serde_json::to_vec(claims).map_err(|error| Fault::new("writing claims", error))?;
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(claims));
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
            .map_err(|error| Fault::new("signing a token", error.to_string()))?;
        Ok(format!("{signed}.{}", base64url(signature)))
    }
}

impl SigningKey {
    fn load(stored: Stored) -> Result<Self, Fault> {
        let broken = |what: &str| Fault::because(format!("a signing key is damaged: {what}"));
        let decode = |text: &str| BASE64URL.decode(text).map_err(|_| broken("not base64url"));
        let (pkcs8, certificate) = (decode(&stored.pkcs8)?, decode(&stored.certificate)?);
        let pair = RsaKeyPair::from_pkcs8(&pkcs8).map_err(|_| broken("not PKCS#8"))?;
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
        let exponent = public.exponent().big_endian_without_leading_zero().to_vec();
        let published = PublishedKey {
            kid: base64url(sha256(public.as_ref())),
            n: base64url(&modulus),
            e: base64url(&exponent),
            x5t: base64url(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate)),
            x5c: STANDARD.encode(&certificate),
        };
        let verify = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
        Ok(Self { published, pair, verify, stored })
    }
}

/// Makes a 2048-bit key pair and a certificate that says nothing but whose key it is.
fn generate() -> Result<SigningKey, Fault> {
    let make = || -> Result<Stored, rcgen::Error> {
        let pair = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
        let mut subject = CertificateParams::new(Vec::new())?;
        subject.distinguished_name.push(DnType::CommonName, "Firekeep token signing");
        let certificate = subject.self_signed(&pair)?;
        Ok(Stored {
            pkcs8: base64url(pair.serialized_der()),
            certificate: base64url(certificate.der()),
        })
    };
    SigningKey::load(make().map_err(|error| Fault::new("making a signing key", error))?)
}
