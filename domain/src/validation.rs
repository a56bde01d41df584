//! What is wrong with an input.

/// A value that breaks a rule. The message names the field, the limit, and what was given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ValidationError {
    /// As the client spells it, such as `categoryId`.
    pub field: String,
    pub message: String,
}

/// Collects what is wrong with an input, so that the client learns all of it at once.
///
/// ```
/// use domain::value::{CategoryName, Price};
/// use domain::{DomainError, Findings};
///
/// let mut findings = Findings::default();
/// let name = findings.keep(CategoryName::parse("name", ""));
/// let price = findings.keep(Price::parse("price", "1.999"));
/// let (Some(_name), Some(_price)) = (name, price) else {
///     let DomainError::Validation(errors) = findings.into() else { unreachable!() };
///     assert_eq!(errors.len(), 2);
///     return;
/// };
/// # unreachable!();
/// ```
#[derive(Debug, Default)]
pub struct ValidationErrors(pub(crate) Vec<ValidationError>);

impl ValidationErrors {
    /// The value, or nothing after its error was noted.
    pub fn check<T>(&mut self, parsed: Result<T, ValidationError>) -> Option<T> {
        parsed.map_err(|error| self.0.push(error)).ok()
    }

    /// The value, or nothing after all its errors were noted.
    pub fn keep_all<T>(&mut self, parsed: Result<T, Self>) -> Option<T> {
        parsed.map_err(|findings| self.0.extend(findings.0)).ok()
    }

    /// The value, if nothing was found anywhere.
    ///
    /// # Errors
    /// What was found.
    pub(crate) fn none<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}
