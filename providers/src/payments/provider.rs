//! What a provider of payments is.

use domain::fulfilment::ProcessPayment;
use domain::value::Reference;
use sagas::{CallError, StepProvider};

/// Takes money, at most once for each key, and gives back all that was taken under a key. A call may be dropped at any
/// moment; what was sent may still happen.
pub type Payments = dyn StepProvider<ProcessPayment>;

/// What the provider calls a payment. A name that no event could hold leaves it open what happened: an operator must
/// look at it.
pub(crate) fn payment_id(text: &str) -> Result<Reference, CallError> {
    Reference::parse("payment id", text).map_err(|error| CallError::unknown(error.message))
}
