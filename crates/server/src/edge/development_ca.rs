//! The certificate authority of a data folder, and the server certificate that it issues, for
//! development:
//! nobody has to buy or copy a certificate to begin.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Fault, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

const DAY: Duration = Duration::from_hours(24);
const CA_DAYS: u32 = 3_652;
/// Operating systems refuse server certificates that hold longer than 398 days.
const SERVER_DAYS: u32 = 395;
/// With fewer days left, a certificate is issued anew at the next start.
const RENEWAL_DAYS: u32 = 30;

/// Where the four files are.
pub(crate) struct DevelopmentCa {
    folder: PathBuf,
}

impl DevelopmentCa {
    pub(crate) fn of(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The CA's certificate, for clients to trust.
    pub(crate) fn bundle(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.folder.join("server.key")
    }

    /// Makes what is missing: the CA once, the server certificate when it is for other names than
    /// `names` or nears its end.
    pub(crate) fn ensure(&self, names: &BTreeSet<String>, now: Timestamp) -> Result<(), Fault> {
        let ca_key = self.folder.join("ca.key");
        if !holds(&self.bundle(), now) || !ca_key.exists() {
            self.make_ca(&ca_key, now)?;
            tracing::info!("made a certificate authority: trust {}", self.bundle().display());
        } else if self.key().exists()
            && holds(&self.certificate(), now)
            && names_of(&self.certificate()).as_ref() == Some(names)
        {
            return Ok(());
        }
        let fault = |error| Fault::new("issuing the server certificate", error);
        let key = KeyPair::from_pem(&read(&ca_key)?).map_err(fault)?;
        let issuer = Issuer::from_ca_cert_pem(&read(&self.bundle())?, key).map_err(fault)?;
        let names: Vec<String> = names.iter().cloned().collect();
        let server_key = KeyPair::generate().map_err(fault)?;
        let mut parameters = CertificateParams::new(names).map_err(fault)?;
        parameters.distinguished_name.push(DnType::CommonName, "localhost");
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        hold(&mut parameters, now, SERVER_DAYS);
        let certificate = parameters.signed_by(&server_key, &issuer).map_err(fault)?;
        write(&self.key(), &server_key.serialize_pem(), 0o600)?;
        write(&self.certificate(), &certificate.pem(), 0o644)
    }

    fn make_ca(&self, ca_key: &Path, now: Timestamp) -> Result<(), Fault> {
        let fault = |error| Fault::new("making a certificate authority", error);
        let key = KeyPair::generate().map_err(fault)?;
        let mut parameters = CertificateParams::default();
        let name = format!("Firekeep development CA {now}");
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        hold(&mut parameters, now, CA_DAYS);
        let certificate = parameters.self_signed(&key).map_err(fault)?;
        write(ca_key, &key.serialize_pem(), 0o600)?;
        write(&self.bundle(), &certificate.pem(), 0o644)
    }
}

/// From the day before `now`, for clocks that are behind, for `days`.
fn hold(parameters: &mut CertificateParams, now: Timestamp, days: u32) {
    let day = |at: Timestamp| {
        let date = jiff::Timestamp::from_second(at.unix_seconds())
            .unwrap_or_default()
            .to_zoned(jiff::tz::TimeZone::UTC)
            .date();
        let part = |number: i8| u8::try_from(number).unwrap_or(1);
        date_time_ymd(date.year().into(), part(date.month()), part(date.day()))
    };
    let yesterday = Timestamp::from_unix_seconds(now.unix_seconds() - 86_400);
    parameters.not_before = day(yesterday);
    parameters.not_after = day(now.plus(DAY * days));
}

/// Whether the certificate in `path` can be read and holds for a while yet.
fn holds(path: &Path, now: Timestamp) -> bool {
    let Ok(text) = fs::read(path) else { return false };
    let Ok((_, pem)) = parse_x509_pem(&text) else { return false };
    pem.parse_x509().is_ok_and(|certificate| {
        let end = Timestamp::from_unix_seconds(certificate.validity().not_after.timestamp());
        end > now.plus(DAY * RENEWAL_DAYS)
    })
}

/// The names that the certificate in `path` is for.
fn names_of(path: &Path) -> Option<BTreeSet<String>> {
    let text = fs::read(path).ok()?;
    let (_, pem) = parse_x509_pem(&text).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::Ipv4Addr::from(v4).to_string()),
            Err(_) => {
                <[u8; 16]>::try_from(*bytes).ok().map(|v6| std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    };
    names.value.general_names.iter().map(name).collect()
}

fn read(path: &Path) -> Result<String, Fault> {
    fs::read_to_string(path)
        .map_err(|error| Fault::new(format!("reading {}", path.display()), error))
}

/// Writes a file whole or not at all, with `mode` from its first byte on.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), Fault> {
    let beside = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(mode).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().map_err(|error| Fault::new(format!("writing {}", path.display()), error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn a_certificate_is_issued_anew_when_its_names_change_or_its_end_nears()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let ca = DevelopmentCa::of(folder.path());
        let now = Timestamp::from_unix_seconds(1_795_532_334);
        let (some, more) = (names(&["localhost", "::1", "127.0.0.1"]), names(&["localhost"]));
        ca.ensure(&some, now)?;
        assert_eq!(names_of(&ca.certificate()), Some(some.clone()));
        let (authority, first) = (fs::read(ca.bundle())?, fs::read(ca.certificate())?);
        assert_eq!(fs::metadata(ca.key())?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(folder.path().join("ca.key"))?.permissions().mode() & 0o777, 0o600);

        ca.ensure(&some, now.plus(DAY * 300))?;
        assert_eq!(fs::read(ca.certificate())?, first);
        ca.ensure(&some, now.plus(DAY * 370))?;
        let second = fs::read(ca.certificate())?;
        assert_ne!(second, first);
        ca.ensure(&more, now.plus(DAY * 370))?;
        assert_ne!(fs::read(ca.certificate())?, second);
        assert_eq!(fs::read(ca.bundle())?, authority);
        Ok(())
    }
}
