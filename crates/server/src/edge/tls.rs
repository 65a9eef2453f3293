//! TLS as the listeners speak it, with certificates that are read again when their files change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use base::Fault;
use parking_lot::Mutex;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(3);

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The server's certificate, then the intermediate ones.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The certificate that new connections get.
#[derive(Debug)]
pub(crate) struct Certificates {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    /// What the files looked like when they were last read.
    seen: Mutex<Seen>,
}

type Seen = [Option<(SystemTime, u64)>; 2];

impl Certificates {
    pub(crate) fn read(files: TlsFiles) -> Result<Self, Fault> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = Mutex::new(look(&files));
        let current = ArcSwap::from_pointee(load(&files, &provider)?);
        Ok(Self { files, provider, current, seen })
    }

    /// Reads the files again if they changed. A pair that cannot be used is logged, and the old one
    /// stays.
    pub(crate) fn refresh(&self) {
        let now = look(&self.files);
        let mut seen = self.seen.lock();
        if *seen == now {
            return;
        }
        *seen = now;
        match load(&self.files, &self.provider) {
            Ok(key) => {
                self.current.store(Arc::new(key));
                tracing::info!("read the certificate {} again", self.files.certificate.display());
            }
            Err(fault) => tracing::warn!(%fault, "the changed certificate is not used"),
        }
    }

    /// What listeners accept connections with: TLS 1.2 and 1.3, HTTP/2 before HTTP/1.1.
    pub(crate) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Fault> {
        let resolver = Resolver(Arc::clone(self));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Fault::new("setting TLS up", error))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

#[derive(Debug)]
struct Resolver(Arc<Certificates>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.load_full())
    }
}

fn look(files: &TlsFiles) -> Seen {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn load(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, Fault> {
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Fault::new(reading(&files.certificate), error))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?)
        .map_err(|error| Fault::new(reading(&files.key), error))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| Fault::new(format!("using {}", files.certificate.display()), error))
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| Fault::new(reading(path), error))
}

fn reading(path: &Path) -> String {
    format!("reading {}", path.display())
}
