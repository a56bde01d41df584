//! Errors of validation.

/// A value that breaks a rule. The message names the field, the limit, and the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValidationError {
    /// As the client spells it, such as `categoryId`.
    pub field: String,
    pub message: String,
}

/// Collects the errors of an input, so that the client gets all of them together.
///
/// ```
/// use domain::value::{CategoryName, Price};
/// use domain::{DomainError, ValidationErrors};
///
/// let mut errors = ValidationErrors::default();
/// let name = errors.check(CategoryName::parse("name", ""));
/// let price = errors.check(Price::parse("price", "1.999"));
/// let (Some(_name), Some(_price)) = (name, price) else {
///     let DomainError::Validation(errors) = errors.into() else { unreachable!() };
///     assert_eq!(errors.len(), 2);
///     return;
/// };
/// # unreachable!();
/// ```
#[derive(Debug, Default)]
pub struct ValidationErrors(pub(crate) Vec<ValidationError>);

impl ValidationErrors {
    /// The value, or none after its error is recorded.
    pub fn check<T>(&mut self, parsed: Result<T, ValidationError>) -> Option<T> {
        parsed.map_err(|error| self.0.push(error)).ok()
    }

    /// The value, or none after all its errors are recorded.
    pub fn keep_all<T>(&mut self, parsed: Result<T, Self>) -> Option<T> {
        parsed.map_err(|errors| self.0.extend(errors.0)).ok()
    }

    /// The value, if no error was recorded.
    ///
    /// # Errors
    /// The recorded errors.
    pub fn none<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl IntoIterator for ValidationErrors {
    type Item = ValidationError;
    type IntoIter = std::vec::IntoIter<ValidationError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
