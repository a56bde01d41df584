//! Requests to the gateway over HTTP/1.1, with TLS or without.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use platform::tls::ClientTls;
use reqwest::redirect::Policy;
use reqwest::{Client, retry};
use rustls::crypto::ring;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than the gateway's own deadlines, so that its error arrives rather than a timeout here.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("cannot connect")]
    Connect(#[source] Cause),
    /// The connection ended before the response was complete.
    #[error("the connection was lost")]
    ConnectionLost(#[source] Cause),
    #[error("no response within {} seconds", RESPONSE_TIMEOUT.as_secs())]
    Timeout,
}

/// The root cause, without the errors of the client's layers, which only repeat that the request failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    pub fn of(error: &dyn Error) -> Self {
        let mut lowest = error;
        while let Some(source) = lowest.source() {
            lowest = source;
        }
        Self(lowest.to_string())
    }
}

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        let cause = Cause::of(&error);
        if error.is_connect() {
            Self::Connect(cause)
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::ConnectionLost(cause)
        }
    }
}

/// A client that connects directly to the gateway: no proxy, no redirects, no retries.
///
/// # Errors
/// It cannot be set up.
pub fn client(tls: Option<&ClientTls>) -> reqwest::Result<Client> {
    // The client needs a process-wide crypto provider even without TLS. An error means that one is installed already.
    let _ = ring::default_provider().install_default();
    let builder = Client::builder();
    let builder = match tls {
        Some(tls) => builder.tls_backend_preconfigured(tls.config()),
        // Without TLS no certificate is verified, so the system's certificates need not be loaded.
        None => builder.tls_certs_only([]),
    };
    builder
        .no_proxy()
        .redirect(Policy::none())
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(RESPONSE_TIMEOUT)
        .build()
}

/// Posts to `url` and returns the status and body of the response.
///
/// # Errors
/// [`TransportError`]. The outcome of the request is unknown, except that after [`TransportError::Connect`] nothing was
/// sent.
pub async fn post(
    client: &Client,
    url: String,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Bytes), TransportError> {
    let answer = client.post(url).headers(headers).body(body).send().await?;
    Ok((answer.status(), answer.bytes().await?))
}
