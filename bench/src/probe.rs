//! The bare server: axum, the same TLS, a cached bearer check, and the same bytes returned or
//! swallowed.
//!
//! It is what a FHIR server could be if it had nothing to do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::Context;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// How the probe is started.
#[derive(clap::Args)]
pub struct Arguments {
    /// A folder with `server.pem` and `server.key`.
    #[arg(long)]
    certificates: PathBuf,
    /// A file with the bytes that a read returns.
    #[arg(long)]
    body: PathBuf,
    /// A file with the one token that opens.
    #[arg(long)]
    token: PathBuf,
}

/// What every request shares.
struct Shared {
    body: Bytes,
    /// Tokens already verified, by their digest.
    verified: HashMap<Vec<u8>, ()>,
}

impl Shared {
    fn opens(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        token.is_some_and(|token| {
            self.verified.contains_key(digest(&SHA256, token.as_bytes()).as_ref())
        })
    }
}

async fn read(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.opens(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let kind = [(header::CONTENT_TYPE, "application/fhir+json; charset=utf-8")];
    (kind, shared.body.clone()).into_response()
}

async fn swallow(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    if !shared.opens(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    (StatusCode::CREATED, body).into_response()
}

/// Serves plain http and TLS on free ports, which it prints, until it is ended.
pub fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    let token = std::fs::read(&arguments.token)?;
    let verified = HashMap::from([(digest(&SHA256, &token).as_ref().to_vec(), ())]);
    let shared = Arc::new(Shared { body: std::fs::read(&arguments.body)?.into(), verified });
    let router = Router::new()
        .route("/fhir/main-demo/Patient/{id}", get(read))
        .route("/fhir/main-demo/Patient", post(swallow))
        .with_state(shared);
    let tls = acceptor(&arguments.certificates)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let secure = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        println!("{} {}", plain.local_addr()?, secure.local_addr()?);
        tokio::spawn(accept(plain, router.clone(), None));
        accept(secure, router, Some(tls)).await
    })
}

async fn accept(
    listener: tokio::net::TcpListener,
    router: Router,
    tls: Option<tokio_rustls::TlsAcceptor>,
) -> anyhow::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let (router, tls) = (router.clone(), tls.clone());
        tokio::spawn(async move {
            let service = TowerToHyperService::new(router);
            let http = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            let _ = match tls {
                None => http.serve_connection(TokioIo::new(socket), service).await,
                Some(tls) => match tls.accept(socket).await {
                    Ok(socket) => http.serve_connection(TokioIo::new(socket), service).await,
                    Err(_) => Ok(()),
                },
            };
        });
    }
}

fn acceptor(folder: &Path) -> anyhow::Result<tokio_rustls::TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem"))?;
    let chain = chain.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key"))?;
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    Ok(tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

/// The probe as a process of its own, as the server under test is one.
pub struct Probe {
    process: Child,
    /// The plain listener.
    pub plain: SocketAddr,
    /// The TLS listener.
    pub secure: SocketAddr,
}

impl Probe {
    /// Starts this very program as the probe.
    pub fn start(certificates: &Path, body: &[u8], token: &str) -> anyhow::Result<Self> {
        let (kept, opens) = (certificates.join("probe-body"), certificates.join("probe-token"));
        std::fs::write(&kept, body)?;
        std::fs::write(&opens, token)?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["probe", "--certificates"])
            .arg(certificates)
            .arg("--body")
            .arg(kept)
            .arg("--token")
            .arg(opens)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("output")?).read_line(&mut line)?;
        let (plain, secure) = line.trim().split_once(' ').context("two addresses")?;
        Ok(Self { process, plain: plain.parse()?, secure: secure.parse()? })
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
