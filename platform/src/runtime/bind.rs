//! The address of a listener, bound before anything answers at it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::StartError;
use super::connections::{Admission, ConnectionLimits};
use crate::fields;

/// A bound address that does not answer yet.
#[derive(Debug)]
pub(super) struct Bound {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
}

impl Bound {
    /// Binds `address`, which the setting `name` gave.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    pub(super) async fn bind(name: &'static str, address: SocketAddr) -> Result<Self, StartError> {
        let failed = |error| StartError::failed(format!("bind {name} to {address}"), error);
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            name,
            listener,
            address,
            limits: ConnectionLimits::default(),
        })
    }

    pub(super) const fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Says that it listens, and gives what accepts connections.
    pub(super) fn listen(self) -> (TcpListener, Admission) {
        tracing::info!({ fields::LISTENER } = self.name, { fields::ADDRESS } = %self.address, "listening");
        (self.listener, Admission::new(self.name, self.limits))
    }
}
