//! One channel type for a remote service and for a service in this process.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

use super::StartError;
use super::remote::Remote;
use crate::tls::ClientTls;

/// Transports the calls of a generated client: over a connection, or by calling the service directly, without a socket
/// and without a second code path in the client.
#[derive(Clone)]
pub enum GrpcChannel {
    /// Over HTTP/2.
    Remote(Remote),
    /// By a function call.
    InProcess(Routes),
}

impl GrpcChannel {
    /// A channel to `host` and `port` that connects on first use and reconnects as needed, with TLS or without.
    ///
    /// # Errors
    /// `host` and `port` do not form a valid address.
    pub fn remote(host: &str, port: u16, tls: Option<&ClientTls>) -> Result<Self, StartError> {
        Remote::new(host, port, tls).map(Self::Remote)
    }

    /// A channel to a service of this process.
    #[must_use]
    pub fn in_process(routes: Routes) -> Self {
        Self::InProcess(routes.prepare())
    }
}

impl fmt::Debug for GrpcChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remote(_) => "Remote",
            Self::InProcess(_) => "InProcess",
        })
    }
}

impl fmt::Display for GrpcChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Remote(remote) => remote.fmt(f),
            Self::InProcess(_) => f.write_str("in this process"),
        }
    }
}

impl Service<Request<Body>> for GrpcChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Remote(remote) => remote.call(request),
            Self::InProcess(routes) => {
                let answer = routes.call(request);
                Box::pin(async move { answer.await.map_err(|never| match never {}) })
            }
        }
    }
}
