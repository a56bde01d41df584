//! Stripe calls back: something happened to a payment. It is a hint to look; what holds is asked, not believed.
//!
//! Events come before the call's own answer, twice, late, and in any order. An event is remembered after its hint was
//! given, so that one whose hint found no room comes again.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use command_database::{CommandDatabase, DatabaseError};
use event_sourcing::{Clock, FailureLog};
use http::{HeaderMap, StatusCode};
use platform::fields;
use sagas::OperationKey;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::api::KEY_METADATA;
use super::ledger::Ledger;
use super::settings::StripeSettings;
use super::signature::verify;
use crate::Secret;

/// Where Stripe is told to call.
pub const PATH: &str = "/webhooks/stripe";

/// The largest event that is read.
const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Hints that may wait.
const HINTS: usize = 256;

#[derive(Clone, Debug)]
pub struct Webhook {
    secret: Secret,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    hints: mpsc::Sender<OperationKey>,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: Map<String, Value>,
}

impl Webhook {
    /// Takes events if there is a secret that they are signed with. The keys that they are about come out of the
    /// channel.
    #[must_use]
    pub fn open(
        settings: &StripeSettings,
        database: CommandDatabase,
        clock: Arc<dyn Clock>,
    ) -> Option<(Self, mpsc::Receiver<OperationKey>)> {
        let secret = settings.webhook_secret.clone()?;
        let (hints, news) = mpsc::channel(HINTS);
        let webhook = Self {
            secret,
            ledger: Ledger::new(database, Arc::clone(&clock)),
            clock,
            hints,
        };
        Some((webhook, news))
    }

    pub fn router(self) -> Router {
        Router::new()
            .route(PATH, post(take))
            .layer(DefaultBodyLimit::max(MAX_EVENT_BYTES))
            .with_state(self)
    }

    async fn take(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), InvalidWebhook> {
        let header = headers
            .get("stripe-signature")
            .and_then(|header| header.to_str().ok())
            .unwrap_or_default();
        if let Err(error) = verify(&self.secret, header, body, self.clock.now()) {
            // Anybody may send one.
            static NOT_BELIEVED: FailureLog = FailureLog::new();
            if let Some(suppressed) = NOT_BELIEVED.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "a webhook was not believed"
                );
            }
            return Err(InvalidWebhook::NotBelieved);
        }
        let event: Event = serde_json::from_slice(body).map_err(|_| InvalidWebhook::NoEvent)?;
        if self.ledger.has_seen(&event.id).await? {
            return Ok(());
        }
        if let Some(key) = self.key_of(&event.data.object).await? {
            // If nobody listens there is nothing to hurry.
            if let Err(mpsc::error::TrySendError::Full(_)) = self.hints.try_send(key) {
                return Err(InvalidWebhook::NotNow);
            }
        }
        Ok(self.ledger.see(&event.id).await?)
    }

    /// The key that an event's object carries, or that its intent is known by.
    async fn key_of(
        &self,
        object: &Map<String, Value>,
    ) -> Result<Option<OperationKey>, DatabaseError> {
        let metadata = object.get("metadata").and_then(|all| all.get(KEY_METADATA));
        if let Some(key) = metadata.and_then(Value::as_str) {
            return Ok(OperationKey::try_new(key).ok());
        }
        let text = |field| object.get(field).and_then(Value::as_str);
        let is_intent = text("object") == Some("payment_intent");
        let Some(intent) = text(if is_intent { "id" } else { "payment_intent" }) else {
            return Ok(None);
        };
        let key = self.ledger.key_of(intent).await?;
        Ok(key.and_then(|key| OperationKey::try_new(key).ok()))
    }
}

/// Why an event is sent back.
enum InvalidWebhook {
    NotBelieved,
    NoEvent,
    NotNow,
}

impl From<DatabaseError> for InvalidWebhook {
    fn from(error: DatabaseError) -> Self {
        static NOT_TAKEN: FailureLog = FailureLog::new();
        if let Some(suppressed) = NOT_TAKEN.failed(Instant::now()) {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                { fields::SUPPRESSED } = suppressed,
                "a webhook could not be taken; it will be sent again"
            );
        }
        Self::NotNow
    }
}

impl IntoResponse for InvalidWebhook {
    fn into_response(self) -> Response {
        match self {
            Self::NotBelieved => (StatusCode::BAD_REQUEST, "the signature is not accepted"),
            Self::NoEvent => (StatusCode::BAD_REQUEST, "this is no event"),
            Self::NotNow => (StatusCode::SERVICE_UNAVAILABLE, "send it again later"),
        }
        .into_response()
    }
}

async fn take(
    State(webhook): State<Webhook>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, InvalidWebhook> {
    webhook.take(&headers, &body).await?;
    Ok(StatusCode::OK)
}
