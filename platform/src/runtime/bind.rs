//! The address of a listener, bound before anything is served on it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::connections::{Admission, ConnectionLimits};
use super::{StartError, Tasks};
use crate::fields;
use crate::tls::{ListenerTls, Protocols, ServerTls};

/// A listener that accepts connections.
#[derive(Debug)]
pub(super) struct Listening {
    pub listener: TcpListener,
    pub admission: Admission,
    pub tls: Option<ServerTls>,
}

/// A bound address that does not accept connections yet.
#[derive(Debug)]
pub(super) struct Bound {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
    tls: Option<ServerTls>,
}

impl Bound {
    /// Binds `address`, the value of the setting `name`.
    ///
    /// # Errors
    /// The address is in use, or does not belong to this machine.
    pub(super) async fn bind(name: &'static str, address: SocketAddr) -> Result<Self, StartError> {
        let failed = |error| StartError::failed(format!("bind {name} to {address}"), error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            name,
            listener,
            address,
            limits: ConnectionLimits::default(),
            tls: None,
        })
    }

    pub(super) const fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS, if there are files for it.
    ///
    /// # Errors
    /// A file is invalid.
    pub(super) fn with_tls(
        mut self,
        files: Option<&ListenerTls>,
        protocols: Protocols,
    ) -> Result<Self, StartError> {
        let name = self.name;
        let opened = files.map(|files| ServerTls::open(name, files, protocols));
        self.tls = opened.transpose().map_err(|error| {
            StartError::failed(format!("read the certificates of {name}"), error)
        })?;
        Ok(self)
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs that it listens, and accepts connections from here on.
    pub(super) fn listen(self, tasks: &Tasks) -> Listening {
        tracing::info!(
            { fields::LISTENER } = self.name,
            { fields::ADDRESS } = %self.address,
            { fields::TLS } = self.tls.is_some(),
            "listening"
        );
        if let Some(tls) = &self.tls {
            tls.keep_current(tasks);
        }
        Listening {
            listener: self.listener,
            admission: Admission::new(self.name, self.limits),
            tls: self.tls,
        }
    }
}
