//! Charges and undos as calls to Stripe. The parent module explains their order.

use std::sync::Arc;

use async_trait::async_trait;
use command_database::CommandDatabase;
use domain::fulfilment::{Charge, ProcessPayment};
use domain::value::Reference;
use event_sourcing::Clock;
use platform::fields;
use sagas::{CallError, CompensationResult, OperationKey, OperationStatus, StepProvider};

use super::api::{Api, RequestError, leave_open};
use super::intent::{Intent, IntentProgress};
use super::ledger::{Entry, IntentStage, Ledger};
use super::settings::StripeSettings;
use crate::http_client::HttpClient;

/// How often an undo reads the intent, because it may progress between the read and the cancellation, at most twice.
const MAX_UNDO_READS: usize = 3;

const CLOSED: &str = "the key is closed: it was undone before";
const WANTS_CUSTOMER: &str =
    "the bank requires an approval by the customer, which this shop does not support";

#[derive(Debug)]
pub struct StripePayments {
    api: Api,
    ledger: Ledger,
}

impl StripePayments {
    /// Payments over `client`, with the ledger in `database`.
    #[must_use]
    pub(crate) fn new(
        settings: &StripeSettings,
        client: HttpClient,
        database: CommandDatabase,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            api: Api::new(settings, client),
            ledger: Ledger::new(database, clock),
        }
    }

    /// The intent that may be confirmed: the recorded one, or a new one that is recorded first.
    async fn intent_of(
        &self,
        key: &OperationKey,
        charge: &Charge,
        entry: &Entry,
    ) -> Result<String, CallError> {
        let created = self.api.create(key, charge, entry.create_try).await;
        let intent = match created {
            Ok(intent) => intent,
            Err(error) => {
                // Stripe would replay these responses for this key. If an intent was created all the same, it takes no money.
                if matches!(error, RequestError::Failed | RequestError::KeyReused) {
                    self.ledger
                        .next_try(key, IntentStage::Create, entry.create_try)
                        .await;
                }
                return Err(match error {
                    RequestError::Declined(error) => CallError::declined(error.for_people()),
                    other => other.into_transient(),
                });
            }
        };
        if self.ledger.record(key, &intent.id).await? {
            return Ok(intent.id);
        }
        // The key was closed in the meantime, or another process recorded its intent first: this intent is unused.
        self.drop_intent(&intent.id).await;
        let entry = self.ledger.find(key).await?;
        let other = entry.filter(|entry| !entry.closed);
        other
            .and_then(|entry| entry.intent_id)
            .ok_or_else(|| CallError::declined(CLOSED))
    }

    async fn confirm(
        &self,
        key: &OperationKey,
        intent: &str,
        attempt: i64,
    ) -> Result<Reference, CallError> {
        let error = match self.api.confirm(key, intent, attempt).await {
            Ok(confirmed) => return self.conclude(&confirmed).await,
            Err(error) => error,
        };
        match error {
            RequestError::Declined(declined) => {
                let now = self.look(intent).await?;
                match now.progress() {
                    IntentProgress::Ready => Err(CallError::declined(declined.for_people())),
                    _ => self.conclude(&now).await,
                }
            }
            error => {
                if matches!(error, RequestError::Failed | RequestError::KeyReused) {
                    self.ledger
                        .next_try(key, IntentStage::Confirm, attempt)
                        .await;
                }
                Err(error.into_call_error())
            }
        }
    }

    /// The result of a confirmed intent.
    async fn conclude(&self, intent: &Intent) -> Result<Reference, CallError> {
        match intent.progress() {
            IntentProgress::Paid => intent.payment_id(),
            IntentProgress::Declined(reason) => Err(CallError::declined(reason)),
            IntentProgress::Refunded | IntentProgress::Cancelled => {
                Err(CallError::declined(CLOSED))
            }
            IntentProgress::WantsCustomer => match self.api.cancel(&intent.id).await {
                Ok(_) => Err(CallError::declined(WANTS_CUSTOMER)),
                Err(error) => Err(leave_open(&error.into_transient())),
            },
            IntentProgress::Ready | IntentProgress::Processing => {
                Err(CallError::unknown("Stripe is still processing the payment"))
            }
        }
    }

    async fn look(&self, intent: &str) -> Result<Intent, CallError> {
        let looked = self.api.intent(intent).await;
        looked.map_err(|error| leave_open(&error.into_transient()))
    }

    /// Cancels an unused intent. Without this it would expire.
    async fn drop_intent(&self, intent: &str) {
        if let Err(error) = self.api.cancel(intent).await {
            tracing::debug!(
                { fields::REASON } = error.into_transient().reason(),
                "an unused payment intent was left to expire"
            );
        }
    }

    async fn refund(
        &self,
        key: &OperationKey,
        intent: &str,
        attempt: i64,
    ) -> Result<CompensationResult, CallError> {
        match self.api.refund(key, intent, attempt).await {
            Ok(refund) => match refund.status.as_deref() {
                Some("failed" | "canceled") => {
                    self.ledger
                        .next_try(key, IntentStage::Refund, attempt)
                        .await;
                    Err(CallError::transient("the bank rejected the refund"))
                }
                _ => Ok(refunded(Some(refund.id))),
            },
            Err(RequestError::Declined(error)) if error.is("charge_already_refunded") => {
                self.refunded_before(intent).await
            }
            Err(error) => {
                if matches!(error, RequestError::Failed | RequestError::KeyReused) {
                    self.ledger
                        .next_try(key, IntentStage::Refund, attempt)
                        .await;
                }
                Err(error.into_call_error())
            }
        }
    }

    async fn refunded_before(&self, intent: &str) -> Result<CompensationResult, CallError> {
        let refunds = self.api.refunds(intent).await;
        let refunds = refunds.map_err(RequestError::into_transient)?;
        Ok(refunded(
            refunds.data.into_iter().next().map(|refund| refund.id),
        ))
    }
}

fn refunded(reference: Option<String>) -> CompensationResult {
    CompensationResult {
        had_effect: true,
        reference,
        key_closed: true,
    }
}

#[async_trait]
impl StepProvider<ProcessPayment> for StripePayments {
    async fn act(&self, key: &OperationKey, charge: &Charge) -> Result<Reference, CallError> {
        let entry = self.ledger.begin(key, charge).await?;
        if entry.closed {
            return Err(CallError::declined(CLOSED));
        }
        if !entry.is_for(charge) {
            return Err(CallError::declined("the key belongs to another request"));
        }
        let Some(recorded) = &entry.intent_id else {
            let intent = self.intent_of(key, charge, &entry).await?;
            return self.confirm(key, &intent, entry.confirm_try).await;
        };
        // There was an earlier try: its result decides.
        let now = self.look(recorded).await?;
        match now.progress() {
            IntentProgress::Ready => self.confirm(key, recorded, entry.confirm_try).await,
            _ => self.conclude(&now).await,
        }
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<Reference>, CallError> {
        let Some(entry) = self.ledger.find(key).await? else {
            return Ok(OperationStatus::Absent);
        };
        match entry.intent_id {
            Some(intent) => self.look(&intent).await?.standing(),
            None if entry.closed => Ok(OperationStatus::Compensated),
            None => Ok(OperationStatus::Absent),
        }
    }

    async fn undo(
        &self,
        key: &OperationKey,
        charge: &Charge,
    ) -> Result<CompensationResult, CallError> {
        let entry = self.ledger.close(key, charge).await?;
        let Some(intent) = &entry.intent_id else {
            // Nothing was confirmed, and nothing will be. An intent that was created is cancelled if Stripe still has it: the
            // same idempotency key returns it.
            if entry.create_try > 0
                && let Ok(intent) = self.api.create(key, charge, entry.create_try).await
            {
                self.drop_intent(&intent.id).await;
            }
            return Ok(CompensationResult::NOTHING);
        };
        for _ in 0..MAX_UNDO_READS {
            match self.look(intent).await?.progress() {
                IntentProgress::Paid => return self.refund(key, intent, entry.refund_try).await,
                IntentProgress::Refunded => return self.refunded_before(intent).await,
                IntentProgress::Cancelled => return Ok(CompensationResult::NOTHING),
                IntentProgress::Processing => break,
                IntentProgress::Ready
                | IntentProgress::WantsCustomer
                | IntentProgress::Declined(_) => {
                    match self.api.cancel(intent).await {
                        Ok(_) => return Ok(CompensationResult::NOTHING),
                        // It has progressed since it was read.
                        Err(RequestError::Declined(_)) => {}
                        Err(error) => return Err(error.into_transient()),
                    }
                }
            }
        }
        Err(CallError::unknown("Stripe is still processing the payment"))
    }
}
