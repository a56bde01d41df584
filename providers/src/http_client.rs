//! Calls to providers over HTTP/1.1, with TLS unless they are on this machine.
//!
//! What matters is what is known when a call fails: a connection that never stood has carried nothing, one that broke
//! may have carried everything.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use platform::fields;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use sagas::Failure;

use crate::{ProvidersError, certificates};

/// How long a connection may take to stand. Afterwards it is known that nothing was sent.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept. Servers close theirs after a minute or so.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest answer that is read.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// What requests carry.
pub(super) type Body = Full<Bytes>;

/// A client that keeps connections. Clones share them.
#[derive(Clone)]
pub(super) struct HttpClient(Client<HttpsConnector<HttpConnector>, Body>);

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl HttpClient {
    /// A client that trusts the system's certificate roots, and those in `ca_file`.
    pub(super) fn try_new(ca_file: Option<&Path>) -> Result<Self, ProvidersError> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| ProvidersError::Tls(Box::new(error)))?
            .with_root_certificates(roots(ca_file)?)
            .with_no_client_auth();
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            // Plain HTTP is for this machine only; the settings see to it.
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .build(connector);
        Ok(Self(client))
    }

    /// Sends a request and reads the answer, each once.
    ///
    /// # Errors
    /// Transient if nothing was sent, unknown if something may have been.
    pub(super) async fn send(&self, request: Request<Body>) -> Result<Answer, Failure> {
        let response = self.0.request(request).await.map_err(|error| {
            tracing::debug!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                "a call to a provider failed"
            );
            if error.is_connect() {
                Failure::not_done("the provider cannot be reached")
            } else {
                Failure::unknown("the connection to the provider was lost")
            }
        })?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_ANSWER_BYTES).collect().await;
        let body = body.map_err(|_| Failure::unknown("the provider's answer broke off"))?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpClient")
    }
}

impl Answer {
    /// When the provider wants to be asked again, if it says so in seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        Some(Duration::from_secs(text.trim().parse().ok()?))
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, ProvidersError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        for certificate in certificates::in_file(path)? {
            roots
                .add(certificate)
                .map_err(|error| ProvidersError::certificates(path, error))?;
        }
    }
    if roots.is_empty() {
        return Err(ProvidersError::Certificates {
            place: "the system".to_owned(),
            source: "there are none".into(),
        });
    }
    Ok(roots)
}
