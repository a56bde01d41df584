//! Stripe's objects, as far as they matter, and what follows from them.

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

/// An id, unless the request asked for the whole charge.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum LatestCharge {
    Whole { refunded: bool },
    Id(#[expect(dead_code, reason = "it only tells the two shapes apart")] String),
}

/// What an error of Stripe's says.
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

/// Where an intent is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum IntentProgress {
    /// It can be confirmed; no money was taken.
    Ready,
    /// The bank wants the customer to do something; no money was taken.
    WantsCustomer,
    /// The payment method was refused; no money was taken.
    Declined(String),
    /// Stripe is at it.
    Processing,
    /// The money was taken.
    Paid,
    /// The money was given back.
    Refunded,
    /// It can never be confirmed any more.
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
            // Also what a later version of Stripe may add: it is looked at again.
            _ => IntentProgress::Processing,
        }
    }

    pub(super) fn payment_id(&self) -> Result<Reference, CallError> {
        payment_id(&self.id)
    }

    /// What holds under the key of this intent.
    pub(super) fn standing(&self) -> Result<OperationStatus<Reference>, CallError> {
        Ok(match self.progress() {
            // The charge goes on from here when it is asked for again.
            IntentProgress::Ready | IntentProgress::WantsCustomer => OperationStatus::Absent,
            IntentProgress::Declined(reason) => OperationStatus::Declined(reason),
            IntentProgress::Processing => OperationStatus::Pending,
            IntentProgress::Paid => OperationStatus::Done(self.payment_id()?),
            IntentProgress::Refunded | IntentProgress::Cancelled => OperationStatus::Compensated,
        })
    }
}

impl StripeError {
    /// Stripe's message is meant for people if it is about a card; of all else only the code is passed on.
    pub(super) fn for_people(&self) -> String {
        let message = self
            .message
            .as_deref()
            .filter(|_| self.kind == "card_error" || self.code.as_deref() == Some("card_declined"));
        let code = self.decline_code.as_deref().or(self.code.as_deref());
        match (message, code) {
            (Some(message), _) => message.to_owned(),
            (None, Some(code)) => format!("the payment was refused: {code}"),
            (None, None) => "the payment was refused".to_owned(),
        }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }
}
