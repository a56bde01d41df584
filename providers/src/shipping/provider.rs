//! The port of shipping.

use domain::fulfilment::ArrangeShipping;
use domain::value::TrackingNumber;
use sagas::{CallError, StepProvider};

/// Arranges shipments, at most once for each key, and cancels the shipment of a key. A call may be dropped at any point; a
/// request that was sent may still take effect.
pub type Shipping = dyn StepProvider<ArrangeShipping>;

/// A tracking number. With an invalid number the outcome is unknown: the shipment may have been arranged, and the saga
/// needs an operator.
pub(crate) fn tracking_number(text: &str) -> Result<TrackingNumber, CallError> {
    TrackingNumber::parse("tracking number", text)
        .map_err(|error| CallError::unknown(error.message))
}
