//! HTTP/1.1 listeners.
//!
//! Served through hyper itself, because `axum::serve` sets no limit on the time that a client may take to send
//! its headers, nor on the connections.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use event_sourcing::FailureLog;
use futures::future::BoxFuture;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{StartError, Tasks, host, request_id};
use crate::fields;

/// How long a client may take to send its headers, and how long a connection may be idle.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that one request's headers may take.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// The most connections at a time; further clients wait in the listener's queue.
const MAX_CONNECTIONS: usize = 10_000;
/// The pause after the system refused to accept a connection, such as for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A bound address that does not answer yet.
#[derive(Debug)]
pub struct HttpListener {
    name: &'static str,
    listener: TcpListener,
    address: SocketAddr,
}

impl HttpListener {
    /// Binds `address`, which the setting `name` gave.
    ///
    /// # Errors
    /// The address is taken, or not this machine's.
    #[must_use]
    pub fn bind(
        name: &'static str,
        address: SocketAddr,
    ) -> BoxFuture<'static, Result<Self, StartError>> {
        Box::pin(async move {
            let (listener, address) = super::grpc::bind(name, address).await?;
            Ok(Self {
                name,
                listener,
                address,
            })
        })
    }

    /// The address, with the port that the system chose if it was asked for port 0.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves `router` until `tasks` stop; then open requests end, and idle connections close.
    pub fn serve(self, router: Router, tasks: &Tasks) {
        tracing::info!({ fields::LISTENER } = self.name, { fields::ADDRESS } = %self.address, "listening");
        let router = router
            .layer(from_fn(host::require))
            .layer(from_fn(request_id::identify));
        tasks.spawn(
            "http listener",
            accept(self.listener, router, tasks.clone()),
        );
    }
}

async fn accept(listener: TcpListener, router: Router, tasks: Tasks) {
    let stopping = tasks.stopping();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let failures = FailureLog::new();
    loop {
        let next = async {
            let slot = Arc::clone(&slots).acquire_owned().await;
            (slot, listener.accept().await)
        };
        let (slot, accepted) = tokio::select! {
            () = stopping.cancelled() => return,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = serve_connection(stream, router.clone(), stopping.clone());
                tasks.spawn_job(async move {
                    let _slot = slot;
                    connection.await;
                });
            }
            Err(error) => {
                if let Some(suppressed) = failures.failed(tokio::time::Instant::now()) {
                    tracing::warn!(
                        { fields::ERROR } = %error,
                        { fields::SUPPRESSED } = suppressed,
                        "a connection was not accepted"
                    );
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, router: Router, stopping: CancellationToken) {
    // Without it small answers wait for the client's acknowledgement; a failure costs only that.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(Infallibly(router));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!({ fields::ERROR } = %error, "a connection ended early");
    }
}

/// A router as a service of hyper's bodies.
#[derive(Clone)]
struct Infallibly(Router);

impl tower::Service<http::Request<hyper::body::Incoming>> for Infallibly {
    type Response = axum::response::Response;
    type Error = Infallible;
    type Future = axum::routing::future::RouteFuture<Infallible>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<hyper::body::Incoming>) -> Self::Future {
        tower::Service::call(&mut self.0, request)
    }
}
