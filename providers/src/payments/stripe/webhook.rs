//! The webhook that Stripe calls when the status of a payment changes. An event is only a hint: the status is read with a
//! look-up.
//!
//! Events arrive before the response of the call, twice, late, and in any order. An event is stored as received only after
//! its hint is queued, so that Stripe repeats one whose hint found the queue full.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use command_database::{CommandDatabase, DatabaseError};
use event_sourcing::{Clock, FailureLog};
use http::{HeaderMap, StatusCode};
use platform::fields;
use sagas::OperationKey;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::event::{Event, EventSubject};
use super::ledger::Ledger;
use super::settings::StripeSettings;
use super::signature::{SignatureError, verify};
use crate::Secret;

/// The path of the webhook, to be configured at Stripe.
pub const PATH: &str = "/webhooks/stripe";

/// The largest event that is read.
const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Capacity of the queue of hints.
const HINTS: usize = 256;

#[derive(Clone, Debug)]
pub struct Webhook {
    secret: Secret,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    hints: mpsc::Sender<OperationKey>,
}

impl Webhook {
    /// Accepts events, if there is a secret for their signatures. The channel returns the keys of the events.
    #[must_use]
    pub fn open(
        settings: &StripeSettings,
        database: CommandDatabase,
        clock: Arc<dyn Clock>,
    ) -> Option<(Self, mpsc::Receiver<OperationKey>)> {
        let secret = settings.webhook_secret.clone()?;
        let (hints, receiver) = mpsc::channel(HINTS);
        let webhook = Self {
            secret,
            ledger: Ledger::new(database, Arc::clone(&clock)),
            clock,
            hints,
        };
        Some((webhook, receiver))
    }

    pub fn router(self) -> Router {
        Router::new()
            .route(PATH, post(take))
            .layer(DefaultBodyLimit::max(MAX_EVENT_BYTES))
            .with_state(self)
    }

    async fn take(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), InvalidWebhook> {
        if let Err(error) = self.verify(headers, body) {
            // Rate limited, because anyone can send one.
            static REJECTED: FailureLog = FailureLog::new();
            if let Some(suppressed) = REJECTED.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = &error as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "a webhook with an invalid signature was rejected"
                );
            }
            return Err(InvalidWebhook::NotBelieved(error));
        }
        let event = Event::parse(body).ok_or(InvalidWebhook::NoEvent)?;
        if self.ledger.has_seen(event.id()).await? {
            return Ok(());
        }
        if let Some(key) = self.key_of(&event).await? {
            // A closed channel is no error: the saga polls the status anyway.
            if let Err(mpsc::error::TrySendError::Full(_)) = self.hints.try_send(key) {
                return Err(InvalidWebhook::NotNow);
            }
        }
        Ok(self.ledger.see(event.id()).await?)
    }

    /// Of two signatures none is believed: a proxy could have checked the other one.
    fn verify(&self, headers: &HeaderMap, body: &[u8]) -> Result<(), SignatureError> {
        let mut values = headers.get_all("stripe-signature").iter();
        let header = values.next().and_then(|header| header.to_str().ok());
        match (header, values.next()) {
            (Some(header), None) => verify(&self.secret, header, body, self.clock.now()),
            _ => Err(SignatureError::Malformed),
        }
    }

    /// The key of the payment that an event is about.
    async fn key_of(&self, event: &Event) -> Result<Option<OperationKey>, DatabaseError> {
        match event.subject() {
            EventSubject::Key(key) => Ok(Some(key)),
            EventSubject::Intent(intent) => {
                let key = self.ledger.key_of(intent).await?;
                Ok(key.and_then(|key| OperationKey::try_new(key).ok()))
            }
            EventSubject::Other => Ok(None),
        }
    }
}

/// Why an event is rejected.
enum InvalidWebhook {
    /// It could not be read completely, with this status.
    Unreadable(StatusCode),
    NotBelieved(SignatureError),
    NoEvent,
    NotNow,
}

impl From<DatabaseError> for InvalidWebhook {
    fn from(error: DatabaseError) -> Self {
        static FAILED: FailureLog = FailureLog::new();
        if let Some(suppressed) = FAILED.failed(Instant::now()) {
            tracing::warn!(
                { fields::ERROR } = &error as &dyn std::error::Error,
                { fields::SUPPRESSED } = suppressed,
                "a webhook could not be processed; Stripe will repeat it"
            );
        }
        Self::NotNow
    }
}

impl IntoResponse for InvalidWebhook {
    fn into_response(self) -> Response {
        match self {
            Self::Unreadable(status) => {
                let rule =
                    format!("the body is incomplete or has more than {MAX_EVENT_BYTES} bytes");
                (status, rule)
            }
            Self::NotBelieved(error) => (StatusCode::BAD_REQUEST, error.to_string()),
            Self::NoEvent => {
                let rule = "the body is not an event: an object with an id and data.object";
                (StatusCode::BAD_REQUEST, rule.to_owned())
            }
            Self::NotNow => {
                let advice = "try again later".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, advice)
            }
        }
        .into_response()
    }
}

async fn take(
    State(webhook): State<Webhook>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, InvalidWebhook> {
    let body = body.map_err(|rejection| InvalidWebhook::Unreadable(rejection.status()))?;
    webhook.take(&headers, &body).await?;
    Ok(StatusCode::OK)
}
