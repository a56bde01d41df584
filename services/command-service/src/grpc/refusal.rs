//! What the domain says no with, as the contract's business errors.

use contract::business::{ErrorType, FieldError, validation_error};
use contract::proto::Error;
use domain::DomainError;

/// Writes a refusal.
#[must_use]
pub fn to_error(refused: &DomainError) -> Error {
    match refused {
        DomainError::Validation(errors) => {
            let fields: Vec<FieldError> = errors
                .iter()
                .map(|error| FieldError {
                    field: error.field.clone(),
                    message: error.message.clone(),
                })
                .collect();
            validation_error(refused.to_string(), &fields)
        }
        DomainError::NotFound { .. } => ErrorType::NotFound.error(refused.to_string()),
        DomainError::Conflict(_) => ErrorType::Conflict.error(refused.to_string()),
        DomainError::OrderState(_) => ErrorType::Domain.error(refused.to_string()),
    }
}
