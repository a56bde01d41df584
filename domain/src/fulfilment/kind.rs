//! The list of sagas.

use event_sourcing::quoted;
use sagas::Saga;

use super::{CancelOrderSaga, OrderSaga};
use crate::ValidationError;
use crate::value::invalid;

/// The names of their types.
pub const SAGA_TYPES: [&str; 2] = [OrderSaga::NAME, CancelOrderSaga::NAME];

/// The types of their streams.
pub const SAGA_STREAMS: [&str; 2] = [OrderSaga::STREAM, CancelOrderSaga::STREAM];

/// Parses the name of a saga's type.
///
/// # Errors
/// Any other text.
pub fn parse_saga_type(field: &str, text: &str) -> Result<&'static str, ValidationError> {
    let known = SAGA_TYPES.into_iter().find(|name| *name == text);
    known.ok_or_else(|| {
        let rule = format!("be {}, got {}", SAGA_TYPES.join(" or "), quoted(text));
        invalid(field, &rule)
    })
}
