//! Stripe's objects, with the fields that are used, and their meaning.

use domain::value::Reference;
use sagas::{CallError, OperationStatus};
use serde::Deserialize;

use crate::payments::payment_id;

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Intent {
    pub id: String,
    status: String,
    last_payment_error: Option<StripeError>,
    latest_charge: Option<LatestCharge>,
}

/// An id, unless the request expands the charge.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Whole { refunded: bool },
    Id(#[expect(dead_code, reason = "it only distinguishes the two shapes")] String),
}

/// An error object of Stripe.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct StripeError {
    #[serde(rename = "type", default)]
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Refund {
    pub id: String,
    pub status: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct List<T> {
    pub data: Vec<T>,
}

/// The progress of an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IntentProgress {
    /// It can be confirmed; no money was taken.
    Ready,
    /// The bank requires an action of the customer; no money was taken.
    WantsCustomer,
    /// The payment method was declined; no money was taken.
    Declined(String),
    Processing,
    Paid,
    Refunded,
    /// It can no longer be confirmed.
    Cancelled,
}

impl Intent {
    pub(super) fn progress(&self) -> IntentProgress {
        match self.status.as_str() {
            "requires_confirmation" => IntentProgress::Ready,
            "requires_action" => IntentProgress::WantsCustomer,
            "requires_payment_method" => {
                let error = self.last_payment_error.clone().unwrap_or_default();
                IntentProgress::Declined(error.for_people())
            }
            "succeeded" => match self.latest_charge {
                Some(LatestCharge::Whole { refunded: true }) => IntentProgress::Refunded,
                _ => IntentProgress::Paid,
            },
            "canceled" => IntentProgress::Cancelled,
            // Also statuses that a later version of Stripe may add: the intent is read again later.
            _ => IntentProgress::Processing,
        }
    }

    pub(super) fn payment_id(&self) -> Result<Reference, CallError> {
        payment_id(&self.id)
    }

    /// The status of this intent's key.
    pub(super) fn standing(&self) -> Result<OperationStatus<Reference>, CallError> {
        Ok(match self.progress() {
            // A repeated charge continues from here.
            IntentProgress::Ready | IntentProgress::WantsCustomer => OperationStatus::Absent,
            IntentProgress::Declined(reason) => OperationStatus::Declined(reason),
            IntentProgress::Processing => OperationStatus::Pending,
            IntentProgress::Paid => OperationStatus::Done(self.payment_id()?),
            IntentProgress::Refunded | IntentProgress::Cancelled => OperationStatus::Compensated,
        })
    }
}

impl StripeError {
    /// Stripe's message, if it is about a card and so meant for the customer; otherwise only the code.
    pub(super) fn for_people(&self) -> String {
        let message = self
            .message
            .as_deref()
            .filter(|_| self.kind == "card_error" || self.code.as_deref() == Some("card_declined"));
        let code = self.decline_code.as_deref().or(self.code.as_deref());
        match (message, code) {
            (Some(message), _) => message.to_owned(),
            (None, Some(code)) => format!("the payment was declined: {code}"),
            (None, None) => "the payment was declined".to_owned(),
        }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}
