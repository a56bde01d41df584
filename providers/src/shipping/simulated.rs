//! Simulated shipping.

use domain::fulfilment::{ArrangeShipping, Shipment};
use domain::value::{EntityId, Money, TrackingNumber};
use sagas::CallError;
use uuid::Uuid;

use super::tracking_number;
use crate::simulated::{ProviderKind, SimulatedProvider, SimulatedStep};

/// A simulated carrier with its ledger in the command database.
pub type SimulatedShipping = SimulatedProvider<ArrangeShipping>;

impl SimulatedStep for ArrangeShipping {
    const KIND: ProviderKind = ProviderKind::SHIPMENT;
    const DECLINE_REASON: &'static str = "the carrier does not take it";

    fn entry(shipment: &Shipment) -> (&EntityId, Money) {
        let goods = shipment.goods.iter();
        let pieces: i64 = goods.map(|goods| i64::from(goods.quantity.get())).sum();
        // The ledger counts in hundredths.
        (&shipment.order_id, Money::from_cents(pieces * 100))
    }

    fn references(id: Uuid) -> (String, String) {
        let number = &format!("{:X}", id.simple())[..16];
        (format!("TRK-{number}"), format!("CANCEL-{number}"))
    }

    fn response(reference: &str) -> Result<TrackingNumber, CallError> {
        tracking_number(reference)
    }
}
