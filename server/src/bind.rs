//! Sockets to listen on, and which are refused.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::admission::Admission;
use crate::tls::Tls;

/// Why the server does not listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Other machines could reach it, and this is for callers on this one.
    #[error("{address} can be reached from other machines: listen on 127.0.0.1 or [::1]")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Other machines could reach it, and whatever they say could be read on the way.
    #[error(
        "{address} can be reached from other machines, and what is said there could be read on the way: \
         give it a certificate (tls.certificate and tls.key in leadrail.toml), name the proxies with TLS \
         that stand before it (api.proxies), or listen on 127.0.0.1 or [::1]"
    )]
    Unprotected {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Other machines could reach it and would be refused, whatever they call it.
    #[error(
        "{address} can be reached from other machines, and there is no name that they may call it by: \
         say which in api.hosts in leadrail.toml, such as \"leads.example.com\""
    )]
    Nameless {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Io {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

/// A socket on which callers are let in as they must be. Made by [`bind`] and [`bind_with`].
#[derive(Debug)]
pub struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<Tls>,
}

impl Listener {
    /// The address it listens on, with the port that was chosen for port 0.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// How a URL that leads here begins.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

/// Listens on a loopback address, for callers on this machine.
///
/// # Errors
/// [`BindError::NotLoopback`] for any other address; [`BindError::Io`] if the system refuses.
pub async fn bind(address: SocketAddr) -> Result<Listener, BindError> {
    match is_for_others(address) {
        true => Err(BindError::NotLoopback { address }),
        false => listen(address, None).await,
    }
}

/// Listens on any address, with TLS where there is some. Whoever is on another machine needs a key.
///
/// # Errors
/// Beyond loopback [`BindError::Unprotected`] where neither TLS nor a proxy is configured, and
/// [`BindError::Nameless`] without a host name; [`BindError::Io`] if the system refuses.
pub async fn bind_with(
    address: SocketAddr,
    admission: &Admission,
    tls: Option<Tls>,
) -> Result<Listener, BindError> {
    if is_for_others(address) {
        if tls.is_none() && admission.proxies.is_empty() {
            return Err(BindError::Unprotected { address });
        }
        if admission.hosts.is_empty() {
            return Err(BindError::Nameless { address });
        }
    }
    listen(address, tls).await
}

/// Whether other machines could reach a listener on this address.
#[must_use]
pub fn is_for_others(address: SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

async fn listen(address: SocketAddr, tls: Option<Tls>) -> Result<Listener, BindError> {
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|source| BindError::Io { address, source })?;
    Ok(Listener { socket, tls })
}
