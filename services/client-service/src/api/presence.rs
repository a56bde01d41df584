//! Absent fields and null fields.
//!
//! An absent field leaves a value unchanged. Null clears a value that can be cleared, and is rejected elsewhere: so
//! optional fields that cannot be cleared must distinguish absent from null.

use async_graphql::MaybeUndefined;

use super::argument_errors::ArgumentError;

/// A field that cannot be cleared.
///
/// # Errors
/// It is null.
pub fn not_null<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>, ArgumentError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => {
            let rule = "must not be null, but can be omitted";
            Err(ArgumentError::new(field, rule))
        }
    }
}

/// A field that can be cleared: its new value, and whether it is to be cleared.
#[must_use]
pub fn clearable<T>(value: MaybeUndefined<T>) -> (Option<T>, bool) {
    match value {
        MaybeUndefined::Undefined => (None, false),
        MaybeUndefined::Value(value) => (Some(value), false),
        MaybeUndefined::Null => (None, true),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::MaybeUndefined;

    use super::not_null;
    use graphql_http::ApiError;

    #[test]
    fn null_is_rejected_with_a_message_for_creates_and_updates() {
        assert_eq!(not_null("reason", MaybeUndefined::Value(1)), Ok(Some(1)));
        let absent: MaybeUndefined<i32> = MaybeUndefined::Undefined;
        assert_eq!(not_null("reason", absent), Ok(None));
        let error = not_null("reason", MaybeUndefined::<i32>::Null).expect_err("null");
        let error = ApiError::from(error);
        assert_eq!(error.field.as_deref(), Some("reason"));
        assert_eq!(error.message, "reason must not be null, but can be omitted");
    }
}
