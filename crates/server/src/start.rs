//! From a data folder to a server that answers, and back.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{Clock, Fault, Random, SystemClock, SystemRandom, limits};
use store::lock::FolderLock;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Semaphore, watch};
use tokio::time::{interval, timeout};

use crate::announce::{Connection, Ports};
use crate::app::App;
use crate::bootstrap::{Bootstrap, Steward};
use crate::edge::config::Config;
use crate::edge::connection::Gate;
use crate::edge::tls::{LOOK, TlsFiles};
use crate::edge::{blocking, metrics_page};
use crate::jobs::vacuum;
use crate::listeners::{Listeners, origin};
use crate::opening::open;
use crate::service::private_folder;
use crate::start_error::StartError;

/// The signal of a file-size limit. Its default would end the process in the middle of a write that
/// can instead fail and be answered 507.
const SIGXFSZ: i32 = 25;
const HOUR: Duration = Duration::from_hours(1);
/// How often old index rows are taken out.
const VACUUM: Duration = Duration::from_mins(5);

/// How a server is started.
#[derive(Clone)]
pub struct ServeOptions {
    /// The data folder; made when it is not there.
    pub data: PathBuf,
    /// TLS addresses; none means port 8443 of both loopback addresses.
    pub listen: Vec<SocketAddr>,
    /// The address of the plain port; loopback only.
    pub http: Option<SocketAddr>,
    /// The address of the figures for Prometheus.
    pub metrics: Option<SocketAddr>,
    /// What the configuration file says.
    pub config: Config,
    /// The server's certificate; `None` means one of a development CA.
    pub tls: Option<TlsFiles>,
    /// Where the development CA is; `None` means in the data folder.
    pub development_ca: Option<PathBuf>,
    /// What an empty folder gets.
    pub bootstrap: Bootstrap,
    /// Whether `connection.json` is written.
    pub announce: bool,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids and secrets come from.
    pub random: Arc<dyn Random>,
}

impl ServeOptions {
    /// The default of everything but the folder.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            listen: Vec::new(),
            http: None,
            metrics: None,
            config: Config::default(),
            tls: None,
            development_ca: None,
            bootstrap: Bootstrap::default(),
            announce: true,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
        }
    }
}

/// A server that answers. Dropping it without [`Server::shutdown`] leaves running requests
/// unanswered.
pub struct Server {
    app: Arc<App>,
    connection: Connection,
    first_start: bool,
    slots: Arc<Semaphore>,
    closing: watch::Sender<bool>,
    steward: parking_lot::Mutex<Option<Steward>>,
    _lock: FolderLock,
}

/// SIGTERM and SIGINT, received from when this is made: before a start, so that whoever reads that
/// the server answers can end it in order.
pub struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl EndSignals {
    /// # Errors
    /// What the operating system says when the signals cannot be received.
    pub fn receive() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }
}

impl Server {
    /// Opens the folder, binds the addresses, and answers.
    ///
    /// # Errors
    /// [`StartError`], whose text says what to do. Nothing is changed in the folder before all
    /// ports are bound.
    pub async fn start(options: ServeOptions) -> Result<Self, StartError> {
        let data = options.data.clone();
        private_folder(&data).map_err(|error| StartError::Folder { path: data.clone(), error })?;
        let lock = FolderLock::take(&data)
            .map_err(|error| StartError::Locked { path: data.clone(), error })?;
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
        let listeners = Listeners::bind(&options).await?;
        let addresses = listeners.addresses(&options.config);
        let ports = Ports { metrics: listeners.metrics.as_ref().and_then(origin) };
        let opened = blocking::run(move || open(options, addresses, &ports)).await??;
        let server = Self {
            app: opened.app,
            connection: opened.connection,
            first_start: opened.first_start,
            slots: Arc::new(Semaphore::new(limits::CONNECTIONS)),
            closing: watch::Sender::new(false),
            steward: parking_lot::Mutex::default(),
            _lock: lock,
        };
        server.listen(listeners)?;
        if opened.announce {
            server.connection.announce(&data)?;
        }
        Ok(server)
    }

    /// How to reach it: what `connection.json` says.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The authority's origin, such as `https://localhost:8443`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.connection.authority
    }

    /// Whether this start made what an empty folder gets.
    #[must_use]
    pub fn first_start(&self) -> bool {
        self.first_start
    }

    /// A token of an administrator for `resource`, for commands on a folder that no other server
    /// runs on. The administrator ends with [`Server::shutdown`].
    ///
    /// # Errors
    /// A [`Fault`] when the directory cannot be changed or `resource` is nothing of this server's.
    pub fn administrator_token(&self, resource: &str) -> Result<String, Fault> {
        let authority = &self.app.authority;
        let mut steward = self.steward.lock();
        if steward.is_none() {
            *steward = Some(Steward::appoint(authority)?);
        }
        match &*steward {
            Some(steward) => steward.token(authority, resource),
            None => Err(Fault::because("there is no administrator")),
        }
    }

    /// Answers until SIGTERM or SIGINT, then ends in order.
    pub async fn run_until(&self, mut signals: EndSignals) {
        tokio::select! {
            _ = signals.terminate.recv() => {}
            _ = signals.interrupt.recv() => {}
        }
        tracing::info!("ending: running requests are answered first");
        self.shutdown().await;
    }

    /// Accepts nothing more, lets running requests end, closes idle connections.
    pub async fn shutdown(&self) {
        self.closing.send_replace(true);
        if !all_closed(&self.slots, limits::DRAIN_TIME).await {
            tracing::warn!("some requests took too long and were cut off");
        }
        let steward = self.steward.lock().take();
        if let Some(Err(fault)) = steward.map(|steward| steward.dismiss(&self.app.authority)) {
            tracing::error!(%fault, "the administrator of this command could not be dismissed");
        }
    }

    fn listen(&self, listeners: Listeners) -> Result<(), Fault> {
        let gate = Gate {
            app: Arc::clone(&self.app),
            slots: Arc::clone(&self.slots),
            closing: self.closing.subscribe(),
        };
        let acceptor = self.app.certificates.acceptor()?;
        for listener in listeners.secure {
            tokio::spawn(gate.clone().accept(listener, Some(acceptor.clone())));
        }
        if let Some(listener) = listeners.plain {
            tokio::spawn(gate.clone().accept(listener, None));
        }
        if let Some(listener) = listeners.metrics {
            tokio::spawn(metrics_page::serve(
                Arc::clone(&self.app),
                listener,
                gate.closing.clone(),
            ));
        }
        // Beside the first answers, not before them.
        drop(tokio::task::spawn_blocking(crate::fhir::warm));
        let certificates = Arc::clone(&self.app.certificates);
        tokio::spawn(repeat(LOOK, gate.closing.clone(), move || certificates.refresh()));
        let app = Arc::clone(&self.app);
        tokio::spawn(repeat(VACUUM, gate.closing.clone(), move || {
            let app = Arc::clone(&app);
            tokio::task::spawn_blocking(move || vacuum::run(&app));
        }));
        let authority = Arc::clone(&self.app.authority);
        tokio::spawn(repeat(HOUR, gate.closing, move || {
            if let Err(fault) = authority.prune() {
                tracing::error!(%fault, "expired refresh tokens could not be dropped");
            }
        }));
        Ok(())
    }
}

/// Waits until no connection is open; false when that takes too long.
async fn all_closed(slots: &Semaphore, time: Duration) -> bool {
    let all = u32::try_from(limits::CONNECTIONS).unwrap_or(u32::MAX);
    timeout(time, slots.acquire_many(all)).await.is_ok()
}

/// Does `work` again and again on the blocking pool, until the server ends.
async fn repeat(
    every: Duration,
    mut closing: watch::Receiver<bool>,
    work: impl Fn() + Clone + Send + 'static,
) {
    let mut beat = interval(every);
    loop {
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => return,
            _ = beat.tick() => {}
        }
        if let Err(fault) = blocking::run(work.clone()).await {
            tracing::error!(%fault, "work in the background failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn the_end_waits_for_open_connections_but_not_for_ever() {
        let slots = Semaphore::new(limits::CONNECTIONS);
        assert!(all_closed(&slots, Duration::ZERO).await);
        let open = slots.acquire().await;
        assert!(!all_closed(&slots, Duration::from_millis(1)).await);
        let (closed, ()) = tokio::join!(all_closed(&slots, limits::DRAIN_TIME), async {
            tokio::task::yield_now().await;
            drop(open);
        });
        assert!(closed);
    }

    fn ask(mut connection: &TcpStream) -> std::io::Result<()> {
        connection.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    fn is_answered(mut connection: &TcpStream) -> std::io::Result<bool> {
        let mut begin = [0; 5];
        connection.read_exact(&mut begin)?;
        Ok(&begin == b"HTTP/")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_connection_past_the_limit_waits_until_another_one_closes()
    -> Result<(), Box<dyn std::error::Error>> {
        let folder = tempfile::tempdir()?;
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let (listen, http) = (vec![anywhere], Some(anywhere));
        let bootstrap = Bootstrap::Nothing;
        let options = ServeOptions { listen, http, bootstrap, ..ServeOptions::new(folder.path()) };
        let server = Server::start(options).await?;
        // Each of the two listeners holds the place of the next connection it accepts.
        let others = u32::try_from(limits::CONNECTIONS - 2)?;
        let others = server.slots.acquire_many(others).await?;
        let address = server.connection.http.clone().unwrap_or_default().replace("http://", "");
        let connect = || TcpStream::connect(&address);
        let (last, past) = (connect()?, connect()?);
        ask(&past)?;
        for _ in 0..2 {
            ask(&last)?;
            assert!(is_answered(&last)?, "the last one is served");
            assert!((&last).read(&mut [0; 4_096])? > 0);
        }
        past.set_nonblocking(true)?;
        let waits = is_answered(&past).is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
        assert!(waits, "the one past it is not");
        past.set_nonblocking(false)?;
        drop(last);
        assert!(is_answered(&past)?);
        drop((past, others));
        server.shutdown().await;
        Ok(())
    }
}
