//! The faults of a field's arguments, which a client gets all together.
//!
//! Some only the gateway can find: a null, a number that the parsers have rounded, a paging argument. A mutation with one
//! of them is not sent, so the gateway validates the other arguments too, by the domain's own rules. Where it can find
//! none, it leaves the validation to the command-service.

use domain::{ValidationError, ValidationErrors};
use graphql_http::{ApiError, FieldError};

/// An argument that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentError(FieldError);

/// Collects the faults of the arguments of one field. They are checked in the order in which the schema declares them,
/// which is the order in the response.
#[derive(Debug, Default)]
pub struct ArgumentErrors(Vec<FieldError>);

impl ArgumentError {
    /// `rule` follows the argument's name: "must be 1 to 500, got 501".
    pub fn new(argument: &str, rule: impl std::fmt::Display) -> Self {
        Self(FieldError {
            field: argument.to_owned(),
            message: format!("{argument} {rule}"),
        })
    }
}

impl From<ValidationError> for ArgumentError {
    fn from(error: ValidationError) -> Self {
        let ValidationError { field, message } = error;
        Self(FieldError { field, message })
    }
}

impl From<ArgumentError> for ApiError {
    fn from(error: ArgumentError) -> Self {
        Self::invalid_fields(vec![error.0])
    }
}

impl ArgumentErrors {
    /// The value, or none after its fault is recorded.
    pub fn check<T>(&mut self, checked: Result<T, impl Into<ArgumentError>>) -> Option<T> {
        checked.map_err(|error| self.0.push(error.into().0)).ok()
    }

    /// The value, or none after all its faults are recorded.
    pub fn check_all<T>(&mut self, checked: Result<T, ValidationErrors>) -> Option<T> {
        let errors = match checked {
            Ok(value) => return Some(value),
            Err(errors) => errors,
        };
        self.0
            .extend(errors.into_iter().map(|error| ArgumentError::from(error).0));
        None
    }

    /// The value, if no fault was recorded.
    ///
    /// # Errors
    /// All faults that were recorded.
    pub fn none<T>(self, value: T) -> Result<T, ApiError> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(ApiError::invalid_fields(self.0))
        }
    }
}
