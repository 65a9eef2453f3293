//! The sockets of a server, bound.

use tokio::net::TcpListener;

use crate::app::Addresses;
use crate::edge::config::Config;
use crate::edge::listen;
use crate::start::ServeOptions;
use crate::start_error::StartError;

/// The bound sockets.
pub(crate) struct Listeners {
    pub(crate) secure: Vec<TcpListener>,
    pub(crate) plain: Option<TcpListener>,
    pub(crate) metrics: Option<TcpListener>,
}

impl Listeners {
    pub(crate) async fn bind(options: &ServeOptions) -> Result<Self, StartError> {
        let secure = listen::secure(&options.listen).await?;
        let plain = match options.http {
            Some(address) => Some(listen::plain(address).await?),
            None => None,
        };
        let metrics = match options.metrics {
            Some(address) => Some(listen::bind(address).await?),
            None => None,
        };
        Ok(Self { secure, plain, metrics })
    }

    /// Where clients reach it: the first TLS port stands for all.
    pub(crate) fn addresses(&self, config: &Config) -> Addresses {
        let first = self.secure.first().and_then(|listener| listener.local_addr().ok());
        Addresses {
            port: first.map_or(0, |address| address.port()),
            http: self.plain.as_ref().and_then(origin),
            public: config.public_url.clone(),
        }
    }
}

/// `http://ADDRESS:PORT` of a socket without TLS.
pub(crate) fn origin(listener: &TcpListener) -> Option<String> {
    listener.local_addr().ok().map(|address| format!("http://{address}"))
}
