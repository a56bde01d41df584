//! Stripe's HTTP interface: forms in, JSON out.

use domain::fulfilment::Charge;
use form_urlencoded::Serializer;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use reqwest::RequestBuilder;
use sagas::{CallError, OperationKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::intent::{Intent, List, Refund, StripeError};
use super::settings::{StripeSettings, is_id};
use crate::Secret;
use crate::http_client::{HttpClient, HttpReply};

/// The version of Stripe's API that this code is written for.
const VERSION: &str = "2024-06-20";
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// The metadata field with our key.
pub(super) const KEY_METADATA: &str = "shop_key";

/// A Stripe account, over HTTP.
#[derive(Debug)]
pub(super) struct Api {
    client: HttpClient,
    base: String,
    secret_key: Secret,
    currency: String,
    payment_method: String,
}

/// Why a call failed.
#[derive(Debug)]
pub(super) enum RequestError {
    /// There is no response: transient if nothing was sent, else unknown.
    NoAnswer(CallError),
    /// Rate limited; without an effect.
    Limited(CallError),
    /// Another call with the same key, or on the same object, is in flight.
    Busy,
    /// The account's key is not accepted.
    KeyRejected,
    /// The same idempotency key was used with other parameters.
    KeyReused,
    /// Stripe failed. It repeats this response for every call with the same idempotency key.
    Failed,
    /// There is no such object in this account.
    Missing,
    Declined(StripeError),
    /// A status that Stripe does not use.
    Strange(StatusCode),
}

#[derive(Deserialize)]
struct ErrorBody {
    error: StripeError,
}

impl Api {
    pub(super) fn new(settings: &StripeSettings, client: HttpClient) -> Self {
        Self {
            client,
            base: settings.base.clone(),
            secret_key: settings.secret_key.clone(),
            currency: settings.currency.clone(),
            payment_method: settings.payment_method.clone(),
        }
    }

    /// Creates an intent. No money is taken before it is confirmed.
    pub(super) async fn create(
        &self,
        key: &OperationKey,
        charge: &Charge,
        attempt: i64,
    ) -> Result<Intent, RequestError> {
        let form = form(&[
            ("amount", &charge.amount.cents().to_string()),
            ("currency", &self.currency),
            ("payment_method", &self.payment_method),
            ("payment_method_types[]", "card"),
            ("metadata[order_id]", charge.order_id.as_str()),
            (&format!("metadata[{KEY_METADATA}]"), key.as_str()),
        ]);
        let idempotency_key = format!("{key}/create/{attempt}");
        let intent: Intent = self
            .post("/v1/payment_intents", form, &idempotency_key)
            .await?;
        // It becomes part of paths.
        if is_id(&intent.id) {
            Ok(intent)
        } else {
            Err(unreadable())
        }
    }

    pub(super) async fn confirm(
        &self,
        key: &OperationKey,
        intent: &str,
        attempt: i64,
    ) -> Result<Intent, RequestError> {
        let path = format!("/v1/payment_intents/{intent}/confirm");
        let idempotency_key = format!("{key}/confirm/{attempt}");
        self.post(&path, form(&[]), &idempotency_key).await
    }

    /// Without an idempotency key: an intent is cancelled only once anyway, and with a key Stripe would replay an old
    /// rejection.
    pub(super) async fn cancel(&self, intent: &str) -> Result<Intent, RequestError> {
        let path = format!("/v1/payment_intents/{intent}/cancel");
        self.call(Method::POST, &path, Some(form(&[])), None).await
    }

    /// Refunds what is left of the intent's amount.
    pub(super) async fn refund(
        &self,
        key: &OperationKey,
        intent: &str,
        attempt: i64,
    ) -> Result<Refund, RequestError> {
        let form = form(&[
            ("payment_intent", intent),
            (&format!("metadata[{KEY_METADATA}]"), key.as_str()),
        ]);
        let idempotency_key = format!("{key}/refund/{attempt}");
        self.post("/v1/refunds", form, &idempotency_key).await
    }

    pub(super) async fn intent(&self, intent: &str) -> Result<Intent, RequestError> {
        let path = format!("/v1/payment_intents/{intent}?expand[]=latest_charge");
        self.call(Method::GET, &path, None, None).await
    }

    pub(super) async fn refunds(&self, intent: &str) -> Result<List<Refund>, RequestError> {
        let path = format!("/v1/refunds?payment_intent={intent}&limit=10");
        self.call(Method::GET, &path, None, None).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        form: String,
        idempotency_key: &str,
    ) -> Result<T, RequestError> {
        self.call(Method::POST, path, Some(form), Some(idempotency_key))
            .await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        idempotency_key: Option<&str>,
    ) -> Result<T, RequestError> {
        let request = self.request(method, path, form, idempotency_key);
        let request = request.build().map_err(|_| {
            RequestError::NoAnswer(CallError::transient(
                "the request to Stripe cannot be written",
            ))
        })?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(RequestError::NoAnswer)?;
        read(&answer)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        form: Option<String>,
        idempotency_key: Option<&str>,
    ) -> RequestBuilder {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, url);
        request = request
            .bearer_auth(self.secret_key.reveal())
            .header(STRIPE_VERSION, VERSION);
        if let Some(key) = idempotency_key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        match form {
            Some(form) => request.header(header::CONTENT_TYPE, FORM).body(form),
            None => request,
        }
    }
}

fn form(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

fn read<T: DeserializeOwned>(answer: &HttpReply) -> Result<T, RequestError> {
    if answer.status.is_success() {
        return serde_json::from_slice(&answer.body).map_err(|_| {
            RequestError::NoAnswer(CallError::unknown("Stripe's answer cannot be read"))
        });
    }
    let error = serde_json::from_slice(&answer.body)
        .map_or_else(|_| StripeError::default(), |body: ErrorBody| body.error);
    Err(match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => RequestError::KeyRejected,
        StatusCode::NOT_FOUND => RequestError::Missing,
        StatusCode::CONFLICT => RequestError::Busy,
        StatusCode::TOO_MANY_REQUESTS if error.is("lock_timeout") => RequestError::Busy,
        StatusCode::TOO_MANY_REQUESTS => {
            let limited = CallError::transient("Stripe limits the rate of requests");
            RequestError::Limited(limited.with_retry_after(answer.retry_after()))
        }
        status if status.is_server_error() => RequestError::Failed,
        _ if error.kind == "idempotency_error" => RequestError::KeyReused,
        StatusCode::BAD_REQUEST | StatusCode::PAYMENT_REQUIRED => RequestError::Declined(error),
        status => RequestError::Strange(status),
    })
}

fn unreadable() -> RequestError {
    RequestError::NoAnswer(CallError::unknown("Stripe's answer cannot be read"))
}

/// Turns a failure of a look-up into an unknown outcome: the action before it may have taken effect.
pub(super) fn leave_open(failure: &CallError) -> CallError {
    CallError::unknown(failure.reason()).with_retry_after(failure.retry_after())
}

impl RequestError {
    /// The error of a call that has no effect, such as a read, or that is safe to repeat.
    pub(super) fn into_transient(self) -> CallError {
        match self {
            Self::NoAnswer(failure) | Self::Limited(failure) => {
                CallError::transient(failure.reason()).with_retry_after(failure.retry_after())
            }
            Self::Busy => CallError::transient("Stripe is busy with the same payment"),
            Self::KeyRejected => CallError::transient("Stripe does not accept the secret key"),
            Self::KeyReused => {
                CallError::transient("Stripe received the same key with other parameters")
            }
            Self::Failed => CallError::transient("Stripe failed"),
            Self::Missing => {
                CallError::transient("the payment is unknown to Stripe: is it another account?")
            }
            Self::Declined(error) => CallError::transient(error.for_people()),
            Self::Strange(status) => CallError::transient(format!(
                "unexpected answer from Stripe ({})",
                status.as_u16()
            )),
        }
    }

    /// The error of a call that may have moved money.
    pub(super) fn into_call_error(self) -> CallError {
        match self {
            Self::NoAnswer(failure) | Self::Limited(failure) => failure,
            Self::Busy | Self::KeyReused | Self::Failed | Self::Strange(_) => {
                leave_open(&self.into_transient())
            }
            Self::KeyRejected | Self::Missing | Self::Declined(_) => self.into_transient(),
        }
    }
}
