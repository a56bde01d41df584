//! Shipping over HTTP, by the small protocol of `docs/providers.md`.

use async_trait::async_trait;
use domain::fulfilment::{ArrangeShipping, Shipment};
use domain::value::TrackingNumber;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use sagas::{CallError, CompensationResult, OperationKey, OperationStatus, StepProvider, readable};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{HttpShippingSettings, tracking_number};
use crate::Secret;
use crate::http_client::{HttpClient, HttpReply};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest tracking number.
const MAX_TRACKING_CHARACTERS: usize = 100;
/// The characters that are encoded in a segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A carrier over HTTP.
#[derive(Debug)]
pub struct HttpShipping {
    client: HttpClient,
    base: String,
    token: Option<Secret>,
}

#[derive(Deserialize)]
struct Arranged {
    tracking_number: String,
}

#[derive(Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
enum LookupResult {
    Done { tracking_number: String },
    Declined { reason: String },
    Cancelled,
    Pending,
}

#[derive(Deserialize)]
struct Cancelled {
    had_effect: bool,
    reference: Option<String>,
}

#[derive(Deserialize)]
struct ErrorBody {
    reason: String,
}

impl HttpShipping {
    /// The carrier that `settings` name, over `client`.
    #[must_use]
    pub(crate) fn new(settings: &HttpShippingSettings, client: HttpClient) -> Self {
        Self {
            client,
            base: settings.base.clone(),
            token: settings.token.clone(),
        }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: &OperationKey,
        body: Option<Value>,
    ) -> Result<HttpReply, CallError> {
        let request = self.request(method, path, key, body);
        let request = request
            .build()
            .map_err(|_| CallError::transient("the request to the carrier cannot be written"))?;
        self.client.send(request).await
    }

    /// The error of a status, according to the protocol.
    fn error_of(&self, answer: &HttpReply) -> CallError {
        let reason = || {
            serde_json::from_slice(&answer.body).map_or_else(
                |_| "the carrier does not take it".to_owned(),
                |error: ErrorBody| self.words(&error.reason),
            )
        };
        match answer.status {
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                CallError::declined(reason())
            }
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                CallError::transient("the carrier cannot take it now")
                    .with_retry_after(answer.retry_after())
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                CallError::transient("the carrier does not accept the shop's token")
            }
            status if status.is_client_error() => CallError::transient(format!(
                "the carrier does not understand the request ({})",
                status.as_u16()
            )),
            status => CallError::unknown(format!("the carrier failed ({})", status.as_u16())),
        }
    }

    /// The carrier's text, shortened and without the token.
    fn words(&self, text: &str) -> String {
        match &self.token {
            // Before it is truncated, so that no part of the token remains.
            Some(token) => readable(&token.hidden_in(text)),
            None => readable(text),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        key: &OperationKey,
        body: Option<Value>,
    ) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, url);
        request = request
            .header(header::ACCEPT, JSON)
            .header(IDEMPOTENCY_KEY, key.as_str());
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.reveal());
        }
        match body {
            Some(body) => request
                .header(header::CONTENT_TYPE, JSON)
                .body(body.to_string()),
            None => request,
        }
    }
}

#[async_trait]
impl StepProvider<ArrangeShipping> for HttpShipping {
    async fn act(
        &self,
        key: &OperationKey,
        shipment: &Shipment,
    ) -> Result<TrackingNumber, CallError> {
        let body = Some(as_json(shipment));
        let answer = self.call(Method::POST, "/shipments", key, body).await?;
        if !answer.status.is_success() {
            return Err(self.error_of(&answer));
        }
        let arranged: Arranged = read(&answer)?;
        short_number(&arranged.tracking_number)
    }

    async fn look_up(
        &self,
        key: &OperationKey,
    ) -> Result<OperationStatus<TrackingNumber>, CallError> {
        let answer = self.call(Method::GET, &path(key), key, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(OperationStatus::Absent);
        }
        if !answer.status.is_success() {
            return Err(never_declined(self.error_of(&answer)));
        }
        Ok(match read(&answer)? {
            LookupResult::Done { tracking_number } => {
                OperationStatus::Done(short_number(&tracking_number)?)
            }
            LookupResult::Declined { reason } => OperationStatus::Declined(self.words(&reason)),
            LookupResult::Cancelled => OperationStatus::Compensated,
            LookupResult::Pending => OperationStatus::Pending,
        })
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _: &Shipment,
    ) -> Result<CompensationResult, CallError> {
        let answer = self.call(Method::DELETE, &path(key), key, None).await?;
        if !answer.status.is_success() {
            return Err(never_declined(self.error_of(&answer)));
        }
        let Cancelled {
            had_effect,
            reference,
        } = read(&answer)?;
        Ok(CompensationResult {
            had_effect,
            reference: reference.map(|text| self.words(&text)),
            key_closed: true,
        })
    }
}

fn path(key: &OperationKey) -> String {
    format!("/shipments/{}", utf8_percent_encode(key.as_str(), SEGMENT))
}

fn as_json(shipment: &Shipment) -> Value {
    let address = shipment.address.as_ref().map(|address| {
        json!({
            "street": address.street(),
            "city": address.city(),
            "postal_code": address.postal_code(),
        })
    });
    let items: Vec<Value> = shipment
        .goods
        .iter()
        .map(|goods| json!({ "product_id": goods.product_id.as_str(), "quantity": goods.quantity.get() }))
        .collect();
    json!({ "order_id": shipment.order_id.as_str(), "address": address, "items": items })
}

/// If a successful response cannot be read, the outcome is unknown.
fn read<T: DeserializeOwned>(answer: &HttpReply) -> Result<T, CallError> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| CallError::unknown("the carrier's answer cannot be read"))
}

/// Validates a tracking number according to the protocol.
fn short_number(text: &str) -> Result<TrackingNumber, CallError> {
    let characters = text.chars().count();
    let fits = (1..=MAX_TRACKING_CHARACTERS).contains(&characters);
    if fits && !text.chars().any(char::is_control) {
        tracking_number(text)
    } else {
        Err(CallError::unknown(
            "the carrier's tracking number cannot be read",
        ))
    }
}

/// A look-up and an undo are always retried.
fn never_declined(failure: CallError) -> CallError {
    match failure {
        CallError::Declined(reason) => CallError::transient(reason),
        other => other,
    }
}
