//! Calls to providers over HTTP/1.1, with TLS unless they are on this machine.
//!
//! A failed call must be classified: without an established connection nothing was sent (transient); after that, the
//! request may have been executed (unknown).

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use platform::fields;
use reqwest::redirect::Policy;
use reqwest::{Body, Certificate, Client, Request, RequestBuilder, retry};
use rustls::crypto::ring;
use sagas::CallError;

use crate::certificates;
use crate::error::ProvidersError;

/// Timeout of establishing a connection, TLS included. If it passes, nothing was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an idle connection stays in the pool. Shorter than on typical servers, which close theirs after a minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// A client with a connection pool. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct HttpClient(Client);

/// A response with any status.
#[derive(Debug)]
pub(super) struct HttpReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl HttpClient {
    /// A client that trusts the system's certificate roots, and those in `ca_file`.
    pub(super) fn try_new(ca_file: Option<&Path>) -> Result<Self, ProvidersError> {
        // The client uses the process's cryptography provider, which is already installed unless this is the first client.
        let _ = ring::default_provider().install_default();
        let untrusted = |error| ProvidersError::certificates(ca_file, error);
        let mut own = Vec::new();
        if let Some(path) = ca_file {
            for certificate in certificates::in_file(path)? {
                own.push(Certificate::from_der(&certificate).map_err(untrusted)?);
            }
        }
        // A request is sent once, and only to the configured host.
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_certs_merge(own)
            .build();
        // Only the roots can be wrong: a certificate of the file, or the system has none.
        client.map(Self).map_err(untrusted)
    }

    pub(super) fn request(&self, method: Method, url: String) -> RequestBuilder {
        self.0.request(method, url)
    }

    /// Sends a request once and reads the response.
    ///
    /// # Errors
    /// [`CallError::Transient`] if nothing was sent, [`CallError::Unknown`] if something may have been.
    pub(super) async fn send(&self, request: Request) -> Result<HttpReply, CallError> {
        let (head, body) = self.response(request).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| CallError::unknown("the provider's answer is incomplete"))?;
        Ok(HttpReply::new(head, body.to_bytes()))
    }

    /// Sends a request of which only the status of the response matters: the body is not read, so it cannot fail.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub(super) async fn send_for_status(&self, request: Request) -> Result<HttpReply, CallError> {
        let (head, _) = self.response(request).await?.into_parts();
        Ok(HttpReply::new(head, Bytes::new()))
    }

    async fn response(&self, request: Request) -> Result<http::Response<Body>, CallError> {
        let response = self.0.execute(request).await.map_err(|error| {
            // Paths and parameters of a URL may hold secrets.
            let error = error.without_url();
            tracing::debug!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "a call to a provider failed"
            );
            if error.is_connect() {
                CallError::transient("the provider cannot be reached")
            } else {
                CallError::unknown("the connection to the provider was lost")
            }
        })?;
        Ok(response.into())
    }
}

impl HttpReply {
    fn new(head: http::response::Parts, body: Bytes) -> Self {
        Self {
            status: head.status,
            headers: head.headers,
            body,
        }
    }

    /// The header `Retry-After`, if it is in seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        Some(Duration::from_secs(text.trim().parse().ok()?))
    }
}
