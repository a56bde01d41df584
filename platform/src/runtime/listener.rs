//! A listener: an address that is bound before anything is served on it.

use std::marker::PhantomData;
use std::net::SocketAddr;

use futures::future::BoxFuture;
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

/// What is served on a listener.
pub trait ListenerKind {
    /// Those of its connections over TLS.
    const PROTOCOLS: Protocols;
}

/// A bound address that does not accept connections yet.
#[derive(Debug)]
pub struct Listener<K> {
    name: &'static str,
    socket: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
    tls: Option<ServerTls>,
    kind: PhantomData<fn() -> K>,
}

impl<K: ListenerKind> Listener<K> {
    /// Binds `address`, the value of the setting `name`.
    ///
    /// # Errors
    /// The address is in use, or does not belong to this machine.
    #[must_use]
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
    ) -> BoxFuture<'static, Result<Self, StartError>>
    where
        K: 'static,
    {
        Box::pin(async move {
            let failed = |error| StartError::failed(format!("bind {name} to {address}"), error);
            let socket = TcpListener::bind(address).await.map_err(failed)?;
            let address = socket.local_addr().map_err(failed)?;
            Ok(Self {
                name,
                socket,
                address,
                limits: ConnectionLimits::default(),
                tls: None,
                kind: PhantomData,
            })
        })
    }

    #[must_use]
    pub const fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    /// Speaks TLS, if there are files for it.
    ///
    /// # Errors
    /// A file is invalid.
    pub fn with_tls(mut self, files: Option<&ListenerTls>) -> Result<Self, StartError> {
        let name = self.name;
        let opened = files.map(|files| ServerTls::open(name, files, K::PROTOCOLS));
        self.tls = opened.transpose().map_err(|error| {
            StartError::failed(format!("read the certificates of {name}"), error)
        })?;
        Ok(self)
    }

    /// The address, with the actual port if port 0 was requested.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
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
            listener: self.socket,
            admission: Admission::new(self.name, self.limits),
            tls: self.tls,
        }
    }
}
