//! One channel type for a remote service and for a service in this process.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Channel, Endpoint};
use tower::Service;

use super::StartError;

/// Transports the calls of a generated client: over a connection, or by calling the service directly, without a socket
/// and without a second code path in the client.
#[derive(Clone)]
pub enum GrpcChannel {
    /// Over HTTP/2, to this host and port.
    Remote(Channel, Arc<str>),
    /// By a function call.
    InProcess(Routes),
}

impl GrpcChannel {
    /// A channel to `host` and `port` that connects on first use and reconnects as needed.
    ///
    /// # Errors
    /// `host` and `port` do not form a valid address.
    pub fn remote(host: &str, port: u16) -> Result<Self, StartError> {
        const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
        const KEEPALIVE: Duration = Duration::from_secs(20);
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let endpoint = Endpoint::from_shared(format!("http://{host}:{port}"))
            .map_err(|error| StartError::failed(format!("find a service at {host}:{port}"), error))?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true);
        Ok(Self::Remote(
            endpoint.connect_lazy(),
            format!("{host}:{port}").into(),
        ))
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
            Self::Remote(..) => "Remote",
            Self::InProcess(_) => "InProcess",
        })
    }
}

impl fmt::Display for GrpcChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Remote(_, address) => address,
            Self::InProcess(_) => "in this process",
        })
    }
}

impl Service<Request<Body>> for GrpcChannel {
    type Response = Response<Body>;
    type Error = tonic::transport::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self {
            Self::Remote(channel, _) => channel.poll_ready(context),
            Self::InProcess(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Remote(channel, _) => Box::pin(channel.call(request)),
            Self::InProcess(routes) => {
                let answer = routes.call(request);
                Box::pin(async move { answer.await.map_err(|never| match never {}) })
            }
        }
    }
}
