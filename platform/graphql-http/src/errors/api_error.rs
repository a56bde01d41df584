//! The error type of the edge.

use std::fmt::Display;

use async_graphql::{Context, ErrorExtensionValues, PathSegment, Pos, Value};
use event_sourcing::quoted;
use platform::{ErrorId, fields};

use super::Code;

/// A field of the input that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// In the spelling of the schema.
    pub field: String,
    pub message: String,
}

/// An error as a client receives it. It has no `Display`, so that it cannot become a GraphQL error without its code. The
/// outcome is added after the request has ended, by a [`MutationOutcome`](super::MutationOutcome).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    /// The input field that is invalid.
    pub field: Option<String>,
    pub validation_errors: Vec<FieldError>,
    /// The number of seconds after which a retry may succeed.
    pub retry_after: Option<u64>,
    /// The id under which the cause was logged.
    pub error_id: Option<Box<str>>,
    /// The location in the document, for a request that was not executed.
    pub location: Option<Box<Pos>>,
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            field: None,
            validation_errors: Vec::new(),
            retry_after: None,
            error_id: None,
            location: None,
        }
    }

    pub fn at_location(code: Code, message: impl Into<String>, place: Pos) -> Self {
        Self {
            location: Some(Box::new(place)),
            ..Self::new(code, message)
        }
    }

    /// A request that is invalid against the schema, at this location of the document.
    pub fn invalid_document(message: impl Into<String>, place: Pos) -> Self {
        Self::at_location(Code::GraphqlValidationFailed, message, place)
    }

    /// A value that breaks a rule. `rule` follows the field's name: "is at most 500, got 501".
    #[must_use]
    pub fn invalid(field: &str, rule: impl Display) -> Self {
        Self::invalid_fields(vec![FieldError {
            field: field.to_owned(),
            message: format!("{field} {rule}"),
        }])
    }

    /// Values that break rules: all of one field, in the order in which the schema declares them.
    #[must_use]
    pub fn invalid_fields(errors: Vec<FieldError>) -> Self {
        let messages: Vec<&str> = errors.iter().map(|error| error.message.as_str()).collect();
        let message = messages.join("; ");
        Self {
            field: errors.first().map(|error| error.field.clone()),
            validation_errors: errors,
            ..Self::new(Code::ValidationError, message)
        }
    }

    /// The entity does not exist.
    #[must_use]
    pub fn not_found(what: &str, by: &str, value: &str) -> Self {
        let given = quoted(value);
        Self::new(
            Code::NotFound,
            format!("there is no {what} with the {by} {given}"),
        )
    }

    /// An internal error: logs the cause, and returns its id instead of the cause.
    #[must_use]
    pub fn internal(cause: impl Display) -> Self {
        let id = ErrorId::random();
        tracing::error!({ fields::ERROR_ID } = %id, { fields::ERROR } = %cause, "internal error");
        Self::internal_known_as(&id.to_string())
    }

    /// An internal error whose cause another service has logged under this id.
    #[must_use]
    pub fn internal_known_as(id: &str) -> Self {
        Self {
            error_id: Some(id.into()),
            ..Self::new(Code::InternalError, format!("internal error {id}"))
        }
    }

    #[must_use]
    pub fn extensions(&self) -> ErrorExtensionValues {
        let mut values = ErrorExtensionValues::default();
        values.set("code", self.code.name());
        if let Some(field) = &self.field {
            values.set("field", field.as_str());
        }
        if !self.validation_errors.is_empty() {
            values.set("validationErrors", field_list(&self.validation_errors));
        }
        if let Some(seconds) = self.retry_after {
            values.set("retryAfter", seconds);
        }
        if let Some(id) = &self.error_id {
            values.set("errorId", id.as_ref());
        }
        values
    }
}

fn field_list(errors: &[FieldError]) -> Value {
    let one = |error: &FieldError| {
        Value::Object(
            [
                (
                    async_graphql::Name::new("field"),
                    Value::from(error.field.as_str()),
                ),
                (
                    async_graphql::Name::new("message"),
                    Value::from(error.message.as_str()),
                ),
            ]
            .into_iter()
            .collect(),
        )
    };
    Value::List(errors.iter().map(one).collect())
}

impl From<ApiError> for async_graphql::Error {
    fn from(error: ApiError) -> Self {
        let mut graphql = Self::new(error.message.as_str());
        graphql.extensions = Some(error.extensions());
        graphql
    }
}

/// The value of a nullable field: an error is added to the response, the field is null, and its siblings are unaffected.
pub fn or_null<T>(context: &Context<'_>, result: Result<T, ApiError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            add_error(context, error, None);
            None
        }
    }
}

/// Like [`or_null`], for the item of a list at this index.
pub fn or_null_item<T>(
    context: &Context<'_>,
    index: usize,
    result: Result<T, ApiError>,
) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            add_error(context, error, Some(index));
            None
        }
    }
}

fn add_error(context: &Context<'_>, error: ApiError, item: Option<usize>) {
    let error = async_graphql::Error::from(error).into_server_error(context.item.pos);
    let mut error = context.set_error_path(error);
    error.path.extend(item.map(PathSegment::Index));
    context.add_error(error);
}

#[cfg(test)]
mod tests {
    use super::ApiError;

    #[test]
    fn a_name_of_any_script_is_shown_as_it_is() {
        let message = |name: &str| ApiError::not_found("category", "name", name).message;
        for name in ["हिन्दी चाय", "e\u{301}", "👨\u{200d}👩"] {
            let expected = format!("there is no category with the name \"{name}\"");
            assert_eq!(message(name), expected);
        }
        let misleading = message("\u{202e}a\"b\n");
        assert!(misleading.ends_with(r#""\u{202e}a\"b\n""#), "{misleading}");
    }
}
