//! Requests to the gateway over HTTP/1.1, without TLS.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use reqwest::redirect::Policy;
use reqwest::{Client, retry};
use rustls::crypto::ring;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take; longer than the gateway's own deadlines.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("cannot connect")]
    Connect(#[source] Cause),
    /// The connection ended before the answer did.
    #[error("the connection broke")]
    Lost(#[source] Cause),
    /// The answer took too long.
    #[error("no answer within {} seconds", ANSWER_LIMIT.as_secs())]
    Late,
}

/// What lies below the client's layers, each of which would say that it failed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl From<reqwest::Error> for Broken {
    fn from(error: reqwest::Error) -> Self {
        let mut lowest: &dyn Error = &error;
        while let Some(source) = lowest.source() {
            lowest = source;
        }
        let cause = Cause(lowest.to_string());
        if error.is_connect() {
            Self::Connect(cause)
        } else if error.is_timeout() {
            Self::Late
        } else {
            Self::Lost(cause)
        }
    }
}

/// A client that asks the gateway itself, once.
///
/// # Errors
/// It cannot be set up.
pub fn client() -> reqwest::Result<Client> {
    // Also a client without TLS asks for the process's cryptography, which there may be already.
    let _ = ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .retry(retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_LIMIT)
        // Nobody is trusted, so the system's certificates need not be read.
        .tls_certs_only([])
        .build()
}

/// Posts to `url`; the answer's status and body.
///
/// # Errors
/// [`Broken`]; whether the request had an effect is unknown unless it could not connect.
pub async fn post(
    client: &Client,
    url: String,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Bytes), Broken> {
    let answer = client.post(url).headers(headers).body(body).send().await?;
    Ok((answer.status(), answer.bytes().await?))
}
