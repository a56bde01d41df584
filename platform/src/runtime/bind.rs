//! The address of a listener, bound before anything is served on it.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::StartError;
use super::connections::{Admission, ConnectionLimits};
use crate::fields;

/// A bound address that does not accept connections yet.
#[derive(Debug)]
pub(super) struct Bound {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
    limits: ConnectionLimits,
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
        })
    }

    pub(super) const fn with_limits(mut self, limits: ConnectionLimits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Logs that it listens, and returns the listener with its admission.
    pub(super) fn listen(self) -> (TcpListener, Admission) {
        tracing::info!({ fields::LISTENER } = self.name, { fields::ADDRESS } = %self.address, "listening");
        (self.listener, Admission::new(self.name, self.limits))
    }
}
