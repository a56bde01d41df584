//! Shipping over HTTP, by the small protocol of `docs/providers.md`.

use async_trait::async_trait;
use domain::fulfilment::{ArrangeShipping, Shipment};
use domain::value::TrackingNumber;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use sagas::{Failure, Key, Standing, StepProvider, Undone, readable};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{HttpShippingSettings, tracking_number};
use crate::Secret;
use crate::http_client::{Answer, HttpClient};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest tracking number.
const MAX_TRACKING_CHARACTERS: usize = 100;
/// What stays as it is in a segment of a path.
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
enum Found {
    Done { tracking_number: String },
    Refused { reason: String },
    Undone,
    Pending,
}

#[derive(Deserialize)]
struct Cancelled {
    happened: bool,
    reference: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
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
        key: &Key,
        body: Option<Value>,
    ) -> Result<Answer, Failure> {
        let request = self.request(method, path, key, body);
        let request = request
            .build()
            .map_err(|_| Failure::not_done("the request to the carrier cannot be written"))?;
        self.client.send(request).await
    }

    /// What the protocol says that a status means.
    fn refused(&self, answer: &Answer) -> Failure {
        let reason = || {
            serde_json::from_slice(&answer.body).map_or_else(
                |_| "the carrier does not take it".to_owned(),
                |refusal: Refusal| self.words(&refusal.reason),
            )
        };
        match answer.status {
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Failure::refused(reason()),
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                Failure::not_done("the carrier cannot take it now").not_before(answer.retry_after())
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Failure::not_done("the carrier does not accept the shop's token")
            }
            status if status.is_client_error() => Failure::not_done(format!(
                "the carrier does not understand the request ({})",
                status.as_u16()
            )),
            status => Failure::unknown(format!("the carrier failed ({})", status.as_u16())),
        }
    }

    /// What the carrier says, as it may be passed on.
    fn words(&self, text: &str) -> String {
        match &self.token {
            // Before it is cut, so that no part is left either.
            Some(token) => readable(&token.hidden_in(text)),
            None => readable(text),
        }
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        key: &Key,
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
    async fn act(&self, key: &Key, shipment: &Shipment) -> Result<TrackingNumber, Failure> {
        let body = Some(as_json(shipment));
        let answer = self.call(Method::POST, "/shipments", key, body).await?;
        if !answer.status.is_success() {
            return Err(self.refused(&answer));
        }
        let arranged: Arranged = read(&answer)?;
        short_number(&arranged.tracking_number)
    }

    async fn look_up(&self, key: &Key) -> Result<Standing<TrackingNumber>, Failure> {
        let answer = self.call(Method::GET, &path(key), key, None).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(Standing::Absent);
        }
        if !answer.status.is_success() {
            return Err(never_refused(self.refused(&answer)));
        }
        Ok(match read(&answer)? {
            Found::Done { tracking_number } => Standing::Done(short_number(&tracking_number)?),
            Found::Refused { reason } => Standing::Refused(self.words(&reason)),
            Found::Undone => Standing::Undone,
            Found::Pending => Standing::Pending,
        })
    }

    async fn undo(&self, key: &Key, _: &Shipment) -> Result<Undone, Failure> {
        let answer = self.call(Method::DELETE, &path(key), key, None).await?;
        if !answer.status.is_success() {
            return Err(never_refused(self.refused(&answer)));
        }
        let Cancelled {
            happened,
            reference,
        } = read(&answer)?;
        Ok(Undone {
            happened,
            reference: reference.map(|text| self.words(&text)),
            closed: true,
        })
    }
}

fn path(key: &Key) -> String {
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

/// An answer that says yes but cannot be read leaves open what happened.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body)
        .map_err(|_| Failure::unknown("the carrier's answer cannot be read"))
}

/// A number that a carrier of this protocol may give.
fn short_number(text: &str) -> Result<TrackingNumber, Failure> {
    let characters = text.chars().count();
    let fits = (1..=MAX_TRACKING_CHARACTERS).contains(&characters);
    if fits && !text.chars().any(char::is_control) {
        tracking_number(text)
    } else {
        Err(Failure::unknown(
            "the carrier's tracking number cannot be read",
        ))
    }
}

/// A question and an undo are tried again, whatever was said to them.
fn never_refused(failure: Failure) -> Failure {
    match failure {
        Failure::Refused(reason) => Failure::not_done(reason),
        other => other,
    }
}
