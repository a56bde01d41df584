//! Binds the address of a listener.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::StartError;

/// Binds `address`, which the setting `name` gave, and tells which one it is if the system chose the port.
pub(super) async fn bind(
    name: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::failed(format!("bind {name} to {address}"), error);
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
