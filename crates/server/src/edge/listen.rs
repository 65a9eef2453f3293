//! Addresses and the sockets bound to them, all before anything else happens: a busy port changes
//! nothing.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::start_error::StartError;

const DEFAULT_PORT: u16 = 8443;

/// The TLS listeners: the given ones, or both loopback addresses. The first names the port of all
/// URLs; a later port 0 means the same port, so that `localhost` is one place whatever it resolves
/// to.
pub(crate) async fn secure(given: &[SocketAddr]) -> Result<Vec<TcpListener>, StartError> {
    let defaults = [
        SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
        SocketAddr::from((Ipv6Addr::LOCALHOST, DEFAULT_PORT)),
    ];
    let addresses = if given.is_empty() { &defaults[..] } else { given };
    let mut listeners: Vec<TcpListener> = Vec::new();
    for address in addresses {
        let mut address = *address;
        if let (0, Some(first)) = (address.port(), listeners.first()) {
            address.set_port(first.local_addr().map_or(0, |first| first.port()));
        }
        match TcpListener::bind(address).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if given.is_empty() && address.is_ipv6() && has_no_ipv6(error.kind()) => {
                tracing::info!("this machine has no IPv6: {address} is left out");
            }
            Err(error) => return Err(StartError::Bind { address, error }),
        }
    }
    Ok(listeners)
}

/// The plain listener of the same routes: loopback only, since tokens would cross the network in
/// clear text.
pub(crate) async fn plain(address: SocketAddr) -> Result<TcpListener, StartError> {
    if !is_loopback(address.ip()) {
        return Err(StartError::NotLoopback { address });
    }
    bind(address).await
}

/// Any listener.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| StartError::Bind { address, error })
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn has_no_ipv6(kind: ErrorKind) -> bool {
    // EADDRNOTAVAIL where the address is absent, EAFNOSUPPORT (without a kind of its own) where
    // IPv6 is.
    !matches!(kind, ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}
