//! Connections over any stream, with the limits and checks of the listeners.

use std::net::{IpAddr, Ipv4Addr};

use axum::Router;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Tasks;
use super::connections::{Admission, ConnectionLimits, ConnectionPermit};
use super::http1::serve_connection;
use super::http2;
use super::peer::Peer;

const PEER: Peer = Peer::new(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn permit() -> ConnectionPermit {
    Admission::new("TEST", ConnectionLimits::default()).admit(PEER)
}

/// Serves one HTTP/1.1 connection until it ends.
pub async fn serve_http1<S>(stream: S, router: Router)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    serve_connection((stream, PEER), permit(), (router, false), &Tasks::new()).await;
}

/// A stream between an HTTP/2 client and the library, with the limits of a gRPC listener.
#[must_use]
pub fn guard_http2<S>(stream: S) -> impl AsyncRead + AsyncWrite + Send + Unpin
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    http2::guarded(stream, permit())
}
