//! A change of an application's credentials: secrets and certificates.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest;
use base::Timestamp;
use base::limits::CREDENTIALS;
use uuid::Uuid;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::parse_x509_pem;
use x509_parser::public_key::PublicKey;

use super::draft::missing;
use super::{Application, Certificate, ChangeRefused, Draft, Secret};
use crate::secret::{base64url, unguessable};

/// How long a secret holds when nobody says otherwise: two years.
const SECRET_LIFETIME: Duration = Duration::from_hours(24 * 365 * 2);
/// Bits of the smallest RSA key accepted.
const RSA_BITS_LEAST: usize = 2_048;

/// A secret just made. `text` is never seen again.
#[derive(Clone)]
pub struct NewSecret {
    /// The credential's id.
    pub key_id: Uuid,
    /// The secret itself.
    pub text: String,
    /// Its first three characters.
    pub hint: String,
    /// From when it holds.
    pub start: Timestamp,
    /// Until when it holds.
    pub end: Timestamp,
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSecret").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Draft<'_> {
    /// Makes a secret for an application, good until `end` or for two years.
    pub fn add_secret(
        &mut self,
        object_id: Uuid,
        display_name: &str,
        end: Option<Timestamp>,
    ) -> Result<NewSecret, ChangeRefused> {
        let start = self.now();
        let end = end.unwrap_or_else(|| start.plus(SECRET_LIFETIME));
        if end <= start {
            return Err(ChangeRefused::Invalid("the secret's end has passed already".to_owned()));
        }
        self.room_for_credential(object_id, |application| application.secrets.len())?;
        let text = unguessable(self.random());
        let hint: String = text.chars().take(3).collect();
        let new = NewSecret { key_id: self.new_id(), text, hint, start, end };
        let secret = Secret {
            key_id: new.key_id,
            display_name: display_name.to_owned(),
            hint: new.hint.clone(),
            hash: self.pepper.hash(&new.text),
            start,
            end,
        };
        self.edit_application(object_id, |application| application.secrets.push(secret))?;
        Ok(new)
    }

    /// Registers a certificate (PEM or DER) whose RSA key signs the application's assertions.
    pub fn add_certificate(
        &mut self,
        object_id: Uuid,
        pem_or_der: &[u8],
        display_name: Option<&str>,
    ) -> Result<Uuid, ChangeRefused> {
        self.room_for_credential(object_id, |application| application.certificates.len())?;
        let certificate = read_certificate(self.new_id(), pem_or_der, display_name)
            .map_err(ChangeRefused::Invalid)?;
        if certificate.end <= self.now() {
            let text = format!("the certificate ended on {}: make a new one", certificate.end);
            return Err(ChangeRefused::Invalid(text));
        }
        let key_id = certificate.key_id;
        self.edit_application(object_id, |application| {
            application.certificates.retain(|known| known.sha256 != certificate.sha256);
            application.certificates.push(certificate);
        })?;
        Ok(key_id)
    }

    /// Takes a secret or certificate away.
    pub fn remove_credential(&mut self, object_id: Uuid, key: Uuid) -> Result<(), ChangeRefused> {
        let mut removed = false;
        self.edit_application(object_id, |application| {
            let count = |of: &Application| of.secrets.len() + of.certificates.len();
            let before = count(application);
            application.secrets.retain(|secret| secret.key_id != key);
            application.certificates.retain(|certificate| certificate.key_id != key);
            removed = count(application) < before;
        })?;
        if removed { Ok(()) } else { Err(missing("credential", key)) }
    }

    fn room_for_credential(
        &self,
        object_id: Uuid,
        count: impl Fn(&Application) -> usize,
    ) -> Result<(), ChangeRefused> {
        let found = self.application(object_id);
        let application = found.ok_or_else(|| missing("application", object_id))?;
        if count(application) < CREDENTIALS {
            return Ok(());
        }
        Err(ChangeRefused::Invalid(format!(
            "an application has at most {CREDENTIALS} secrets and as many certificates: \
             remove one first"
        )))
    }
}

/// Reads the first certificate of a PEM (a key beside it is passed over) or a DER certificate.
fn read_certificate(
    key_id: Uuid,
    pem_or_der: &[u8],
    display_name: Option<&str>,
) -> Result<Certificate, String> {
    let der = der_of(pem_or_der)?;
    let unreadable = |_| "this is no X.509 certificate in PEM or DER".to_owned();
    let (_, certificate) = parse_x509_certificate(&der).map_err(unreadable)?;
    let key = certificate.public_key();
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) if rsa.key_size() >= RSA_BITS_LEAST => {}
        _ => return Err(format!("the certificate needs an RSA key of {RSA_BITS_LEAST} bits up")),
    }
    let validity = certificate.validity();
    Ok(Certificate {
        key_id,
        display_name: display_name
            .map_or_else(|| certificate.subject().to_string(), ToOwned::to_owned),
        sha1: base64url(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der)),
        sha256: base64url(digest::digest(&digest::SHA256, &der)),
        public_key: base64url(&key.subject_public_key.data),
        start: Timestamp::from_unix_seconds(validity.not_before.timestamp()),
        end: Timestamp::from_unix_seconds(validity.not_after.timestamp()),
    })
}

fn der_of(pem_or_der: &[u8]) -> Result<Vec<u8>, String> {
    let is_pem = pem_or_der.windows(10).any(|window| window == b"-----BEGIN");
    if !is_pem {
        return Ok(pem_or_der.to_vec());
    }
    let mut rest = pem_or_der;
    while let Ok((after, pem)) = parse_x509_pem(rest) {
        if pem.label == "CERTIFICATE" {
            return Ok(pem.contents);
        }
        rest = after;
    }
    Err("this PEM holds no CERTIFICATE".to_owned())
}
