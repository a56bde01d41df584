//! HTTP listeners.
//!
//! Uses hyper directly, because `axum::serve` limits neither the time that a client may take to send its request or
//! read the response, nor the number of connections. Without TLS it speaks HTTP/1.1; with TLS a client chooses between
//! HTTP/2 and HTTP/1.1 in its handshake.

use std::net::SocketAddr;

use axum::Router;
use axum::middleware::map_response;
use axum::response::Response;
use futures::future::BoxFuture;
use http::{HeaderValue, header};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::bind::{Bound, Listening};
use super::connections::{ConnectionLimits, ConnectionPermit, Transport, handshake};
use super::{Peer, StartError, Tasks, http1, http2};
use crate::tls::{ListenerTls, Protocols, ServerTls};

/// Browsers that have seen it use TLS alone for two years, whatever a link says. Without TLS they ignore it.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000");

/// A bound address that does not accept connections yet.
#[derive(Debug)]
pub struct HttpListener(Bound);

impl HttpListener {
    /// Binds `address`, the value of the setting `name`.
    ///
    /// # Errors
    /// The address is in use, or does not belong to this machine.
    #[must_use]
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move { Bound::bind(name, address).await.map(Self) })
    }

    #[must_use]
    pub fn with_limits(self, limits: ConnectionLimits) -> Self {
        Self(self.0.with_limits(limits))
    }

    /// Speaks TLS, if there are files for it.
    ///
    /// # Errors
    /// A file is invalid.
    pub fn with_tls(self, files: Option<&ListenerTls>) -> Result<Self, StartError> {
        self.0.with_tls(files, Protocols::Http).map(Self)
    }

    /// The address, with the actual port if port 0 was requested.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// Serves `router` until `tasks` stop, then completes the open requests and closes idle connections.
    pub fn serve(self, router: Router, tasks: &Tasks) {
        let listening = self.0.listen(tasks);
        let router = if listening.tls.is_some() {
            router.layer(map_response(only_tls))
        } else {
            router
        };
        tasks.spawn("http listener", accept(listening, router, tasks.clone()));
    }
}

async fn only_tls(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    response
}

async fn accept(listening: Listening, router: Router, tasks: Tasks) {
    let stopping = tasks.stopping();
    let Listening {
        listener,
        admission,
        tls,
    } = listening;
    loop {
        let (stream, peer, place) = tokio::select! {
            () = stopping.cancelled() => return,
            accepted = admission.accept(&listener) => accepted,
        };
        let router = router.clone();
        let stopping = stopping.clone();
        match tls.clone() {
            None => {
                let connection = http1::serve_connection((stream, peer), place, router, stopping);
                tasks.spawn_job(connection);
            }
            Some(tls) => {
                let jobs = tasks.clone();
                tasks.spawn_job(async move {
                    serve_tls(&tls, (stream, peer), place, router, (stopping, jobs)).await;
                });
            }
        }
    }
}

async fn serve_tls(
    tls: &ServerTls,
    (stream, peer): (TcpStream, Peer),
    place: ConnectionPermit,
    router: Router,
    (stopping, jobs): (CancellationToken, Tasks),
) {
    let Some(stream) = handshake(Some(tls), stream, &place, &stopping).await else {
        return;
    };
    if is_http2(&stream) {
        http2::serve_connection((stream, peer), place, router, jobs).await;
    } else {
        http1::serve_connection((stream, peer), place, router, stopping).await;
    }
}

fn is_http2(stream: &Transport) -> bool {
    match stream {
        Transport::Left(_) => false,
        Transport::Right(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
    }
}
