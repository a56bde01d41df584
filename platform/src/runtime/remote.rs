//! Connections to a service in another process.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::either::Either;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Service, ServiceExt, service_fn};

use super::StartError;
use super::addresses::Addresses;
use super::guarded_body::GuardedBody;
use super::http2::MAX_CONCURRENT_STREAMS;
use crate::tls::ClientTls;

/// Connections to one service: a connection carries [`MAX_CONCURRENT_STREAMS`] calls at a time, and the rest would wait.
const CONNECTIONS: usize = 4;
/// From how many calls on the next connection is used. Fewer connections cost less: what is sent together is one write.
const CALLS_BEFORE_NEXT: usize = MAX_CONCURRENT_STREAMS as usize / 4 * 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Connections to one host and port, which are opened when they are needed, and again after they were lost. Clones share them.
#[derive(Clone, Debug)]
pub struct Remote {
    connections: Arc<[Connection]>,
    address: Arc<str>,
}

#[derive(Debug)]
struct Connection {
    channel: Channel,
    calls: Arc<AtomicUsize>,
}

/// A guard: a call is open until it is dropped.
struct OpenCall(Arc<AtomicUsize>);

impl Remote {
    pub(super) fn new(host: &str, port: u16, tls: Option<&ClientTls>) -> Result<Self, StartError> {
        let host = if host.contains(':') && !host.starts_with('[') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let address = format!("{host}:{port}");
        let invalid = |error| StartError::failed(format!("find a service at {address}"), error);
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .map_err(invalid)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE)
            .keep_alive_while_idle(true);
        let (addresses, tls) = (Addresses::new(&host, port), tls.cloned());
        let connector = service_fn(move |_: Uri| {
            let stream = open(addresses.clone(), tls.clone());
            async move { Ok::<_, io::Error>(TokioIo::new(stream.await?)) }
        });
        let connection = |_| Connection {
            channel: endpoint.connect_with_connector_lazy(connector.clone()),
            calls: Arc::default(),
        };
        Ok(Self {
            connections: (0..CONNECTIONS).map(connection).collect(),
            address: address.into(),
        })
    }

    pub(super) fn call(
        &self,
        request: Request<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, tonic::transport::Error>> {
        let connection = self.least_busy();
        let (channel, call) = (connection.channel.clone(), connection.begin());
        Box::pin(async move {
            let mut channel = channel;
            let response = channel.ready().await?.call(request).await?;
            // The body is part of the call.
            Ok(response.map(|body| Body::new(GuardedBody::new(body, call))))
        })
    }

    /// The first connection with few calls, so that one is used as long as it suffices; else the one with the fewest.
    fn least_busy(&self) -> &Connection {
        let above_few = |connection: &&Connection| {
            let calls = connection.calls.load(Relaxed);
            calls.saturating_sub(CALLS_BEFORE_NEXT - 1)
        };
        let found = self.connections.iter().min_by_key(above_few);
        found.unwrap_or(&self.connections[0])
    }
}

impl Connection {
    fn begin(&self) -> OpenCall {
        self.calls.fetch_add(1, Relaxed);
        OpenCall(Arc::clone(&self.calls))
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// The library's own connector would always begin with the first address of a name, and its own TLS would keep the certificates
/// of the start.
async fn open(
    addresses: Addresses,
    tls: Option<ClientTls>,
) -> io::Result<impl AsyncRead + AsyncWrite + Send + Unpin> {
    let stream = addresses.connect(CONNECT_TIMEOUT).await?;
    Ok(match tls {
        None => Either::Left(stream),
        Some(tls) => {
            let stream = tls.connect(addresses.host(), stream, &["h2"]).await?;
            Either::Right(Box::new(stream))
        }
    })
}
