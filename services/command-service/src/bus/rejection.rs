//! Maps rejections to the contract's business errors.

use std::fmt;

use contract::business::{ErrorType, FieldError, validation_error};
use contract::proto::Error;
use domain::DomainError;
use sagas::ActionRejected;

/// A rejection that has a business error in the contract.
pub trait BusinessRejection: fmt::Debug {
    /// The business error of the contract.
    fn error(&self) -> Error;
    /// The value of the metric label `outcome`.
    fn outcome(&self) -> &'static str;
}

impl BusinessRejection for DomainError {
    fn error(&self) -> Error {
        to_error(self)
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Validation(_) => "validation_error",
            Self::NotFound { .. } => "not_found",
            Self::Conflict(_) => "conflict",
            Self::OrderState(_) | Self::OrderSaga(_) => "domain_error",
        }
    }
}

impl BusinessRejection for ActionRejected {
    fn error(&self) -> Error {
        let error_type = match self {
            Self::Unknown => ErrorType::NotFound,
            Self::Ended
            | Self::NotSuspended
            | Self::NothingWaits
            | Self::Decided
            | Self::Corrupt(_)
            | Self::Unsupported(_) => ErrorType::Domain,
        };
        error_type.error(self.to_string())
    }

    fn outcome(&self) -> &'static str {
        match self {
            Self::Unknown => "not_found",
            Self::Ended
            | Self::NotSuspended
            | Self::NothingWaits
            | Self::Decided
            | Self::Corrupt(_)
            | Self::Unsupported(_) => "domain_error",
        }
    }
}

#[must_use]
pub fn to_error(rejected: &DomainError) -> Error {
    match rejected {
        DomainError::Validation(errors) => {
            let fields: Vec<FieldError> = errors
                .iter()
                .map(|error| FieldError {
                    field: error.field.clone(),
                    message: error.message.clone(),
                })
                .collect();
            validation_error(rejected.to_string(), &fields)
        }
        DomainError::NotFound { .. } => ErrorType::NotFound.error(rejected.to_string()),
        DomainError::Conflict(_) => ErrorType::Conflict.error(rejected.to_string()),
        DomainError::OrderState(_) | DomainError::OrderSaga(_) => {
            ErrorType::Domain.error(rejected.to_string())
        }
    }
}
