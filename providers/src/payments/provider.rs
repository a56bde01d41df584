//! The port of payments.

use domain::fulfilment::ProcessPayment;
use domain::value::Reference;
use sagas::{CallError, StepProvider};

/// Takes money, at most once for each key, and refunds all that was taken under a key. A call may be dropped at any
/// point; a request that was sent may still take effect.
pub type Payments = dyn StepProvider<ProcessPayment>;

/// The provider's id of a payment. With an invalid id the outcome is unknown: the payment may have taken effect, and the
/// saga needs an operator.
pub(crate) fn payment_id(text: &str) -> Result<Reference, CallError> {
    Reference::parse("payment id", text).map_err(|error| CallError::unknown(error.message))
}
