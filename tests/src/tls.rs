//! Connections below HTTP: TLS as a client of one's own choosing speaks it.

use std::sync::Arc;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::Firekeep;

impl Firekeep {
    /// A TLS connection to the server that speaks `protocol`: `h2` or `http/1.1`.
    pub async fn tls(&self, protocol: &str) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_file(self.says("/caBundle")).expect("the CA");
        roots.add(ca).expect("a CA");
        let config = ClientConfig::builder().with_root_certificates(roots);
        let mut config = config.with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let address = self.says("/authority").replace("https://localhost", "127.0.0.1");
        let stream = TcpStream::connect(address).await.expect("a connection");
        let name = ServerName::try_from("localhost").expect("a name");
        let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        tls.expect("a handshake")
    }
}
