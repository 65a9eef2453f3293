//! Why a server did not start, in words that say what to do.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use base::Fault;
use store::OpenError;
use store::lock::LockError;

/// Why a server did not start. Prints as a sentence that says what to do.
#[derive(Debug)]
pub enum StartError {
    /// The data folder cannot be made.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process has the folder.
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who holds it.
        error: LockError,
    },
    /// The plain port was asked for on an address that others reach.
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// An address cannot be listened on.
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The control plane cannot be opened.
    Control(OpenError),
    /// Anything else.
    Fault(Fault),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { path, error } => {
                write!(f, "the data folder {} cannot be made: {error}", path.display())
            }
            Self::Locked { path, error } => {
                write!(f, "the data folder {} cannot be used: {error}", path.display())
            }
            Self::NotLoopback { address } => write!(
                f,
                "--http {address}: tokens would cross the network in clear text; use a loopback \
                 address such as 127.0.0.1:8080, and --listen for others"
            ),
            Self::Bind { address, error } if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "{address} is in use by another process: stop it or choose another port \
                 (--listen, --http, --metrics)"
            ),
            Self::Bind { address, error } => write!(f, "cannot listen on {address}: {error}"),
            Self::Control(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Fault> for StartError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
