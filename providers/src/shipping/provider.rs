//! What a provider of shipping is.

use domain::fulfilment::ArrangeShipping;
use domain::value::TrackingNumber;
use sagas::{CallError, StepProvider};

/// Arranges shipments, at most once for each key, and cancels what was arranged under a key. A call may be dropped at
/// any moment; what was sent may still happen.
pub type Shipping = dyn StepProvider<ArrangeShipping>;

/// What the customer can follow a shipment by. A number that no event could hold leaves it open what happened: an
/// operator must look at it.
pub(crate) fn tracking_number(text: &str) -> Result<TrackingNumber, CallError> {
    TrackingNumber::parse("tracking number", text)
        .map_err(|error| CallError::unknown(error.message))
}
