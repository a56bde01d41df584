//! The start of a connection, with TLS or without.

use std::time::Duration;

use futures::FutureExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::ConnectionPermit;
use crate::fields;
use crate::tls::ServerTls;

/// How long a client may take for the handshake of TLS.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An accepted connection. With TLS it is boxed, because its state is large.
pub(in crate::runtime) type Transport = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// The connection after its handshake, if there is TLS; `None` if that fails, takes too long, or the connection must close.
pub(in crate::runtime) async fn handshake(
    tls: Option<&ServerTls>,
    stream: TcpStream,
    place: &ConnectionPermit,
    stopping: &CancellationToken,
) -> Option<Transport> {
    let Some(tls) = tls else {
        return Some(Either::Left(stream));
    };
    let end = place
        .end()
        .unwrap_or_else(|| futures::future::pending().boxed());
    let accepted = tokio::select! {
        () = stopping.cancelled() => return None,
        () = end => return None,
        accepted = tokio::time::timeout(TIMEOUT, tls.accept(stream)) => accepted,
    };
    let failure = match accepted {
        Ok(Ok(stream)) => return Some(Either::Right(Box::new(stream))),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the client did not complete it in time".to_owned(),
    };
    metrics::counter!("tls_handshakes_failed_total", "listener" => place.listener()).increment(1);
    tracing::debug!({ fields::ERROR } = failure, "a TLS handshake failed");
    None
}
