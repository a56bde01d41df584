//! One delivery to one endpoint.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{Clock, Envelope};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::Request;
use sagas::CallError;
use tokio::time::timeout;

use super::cloud_event::{self, MEDIA_TYPE};
use super::endpoint::WebhookEndpoint;
use crate::error::ProvidersError;
use crate::http_client::{HttpClient, HttpReply};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static(MEDIA_TYPE);

/// Makes single attempts to deliver events to an endpoint: the caller retries and preserves the order.
#[derive(Clone)]
pub struct WebhookPublisher {
    endpoint: Arc<WebhookEndpoint>,
    source: Arc<str>,
    client: HttpClient,
    clock: Arc<dyn Clock>,
}

impl WebhookPublisher {
    /// A publisher of the events of `source`. `clock` gives the signed time of an attempt.
    ///
    /// # Errors
    /// The certificates that HTTPS needs cannot be read.
    pub fn try_new(
        endpoint: WebhookEndpoint,
        source: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ProvidersError> {
        Ok(Self {
            client: HttpClient::try_new(endpoint.ca_file.as_deref())?,
            endpoint: Arc::new(endpoint),
            source: source.into(),
            clock,
        })
    }

    /// Identifies the endpoint in logs and for its checkpoint.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.endpoint.name
    }

    /// Whether the endpoint is subscribed to events of this type.
    #[must_use]
    pub fn selects(&self, event_type: &str) -> bool {
        self.endpoint.event_types.contains(event_type)
    }

    /// The timeout of one attempt.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.endpoint.timeout
    }

    /// Posts an event once. An event that the endpoint is not subscribed to is not sent, and succeeds. A dropped call may
    /// still arrive.
    ///
    /// # Errors
    /// [`CallError`] according to the table of [the module](super). Unless it is `Declined`, another attempt may succeed.
    pub async fn deliver(&self, event: &Envelope) -> Result<(), CallError> {
        if !self.selects(&event.event_type) {
            return Ok(());
        }
        let sending = self.client.send_for_status(self.request(event)?);
        let limit = self.endpoint.timeout;
        match timeout(limit, sending).await {
            Ok(answer) => accepted(&answer?),
            Err(_) => Err(CallError::unknown(format!(
                "the endpoint did not answer within {} ms",
                limit.as_millis()
            ))),
        }
    }

    fn request(&self, event: &Envelope) -> Result<Request, CallError> {
        let body = cloud_event::body(event, &self.source)
            .map_err(|_| CallError::transient("the stored data of the event are not JSON"))?;
        let id = event.event_id.to_string();
        let timestamp = self.clock.now().timestamp().to_string();
        let signatures = self.endpoint.secrets.iter();
        let signatures: Vec<String> = signatures
            .map(|secret| secret.sign(&id, &timestamp, &body))
            .collect();
        self.client
            .request(Method::POST, self.endpoint.url.clone())
            .header(header::CONTENT_TYPE, CONTENT_TYPE)
            .header(ID, id)
            .header(TIMESTAMP, timestamp)
            .header(SIGNATURE, signatures.join(" "))
            .body(body)
            .build()
            .map_err(|_| CallError::transient("the request to the endpoint cannot be written"))
    }
}

/// The result of a status, according to the Standard Webhooks specification.
fn accepted(answer: &HttpReply) -> Result<(), CallError> {
    let status = answer.status;
    let code = status.as_u16();
    let failure = match status {
        _ if status.is_success() => return Ok(()),
        StatusCode::GONE => CallError::declined("the endpoint is gone (410)"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            CallError::transient(format!("the endpoint cannot take the event now ({code})"))
        }
        _ if status.is_server_error() => {
            CallError::unknown(format!("the endpoint failed ({code})"))
        }
        _ if status.is_redirection() => CallError::transient(format!(
            "the endpoint redirects ({code}), which is not followed"
        )),
        _ => CallError::transient(format!("the endpoint does not accept the event ({code})")),
    };
    Err(failure.with_retry_after(answer.retry_after()))
}

impl fmt::Debug for WebhookPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookPublisher")
            .field("endpoint", &self.endpoint)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
