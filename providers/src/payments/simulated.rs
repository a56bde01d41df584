//! Simulated payments.

use domain::fulfilment::{Charge, ProcessPayment};
use domain::value::{EntityId, Money, Reference};
use sagas::CallError;
use uuid::Uuid;

use super::payment_id;
use crate::simulated::{ProviderKind, SimulatedProvider, SimulatedStep};

/// A simulated bank with its ledger in the command database.
pub type SimulatedPayments = SimulatedProvider<ProcessPayment>;

impl SimulatedStep for ProcessPayment {
    const KIND: ProviderKind = ProviderKind::PAYMENT;
    const DECLINE_REASON: &'static str = "the card was declined";

    fn entry(charge: &Charge) -> (&EntityId, Money) {
        (&charge.order_id, charge.amount)
    }

    fn references(id: Uuid) -> (String, String) {
        let id = id.simple();
        (format!("pay_{id}"), format!("refund_{id}"))
    }

    fn response(reference: &str) -> Result<Reference, CallError> {
        payment_id(reference)
    }
}
