//! Fields that were left out, and fields that are null.
//!
//! An absent field leaves a value unchanged. Null clears what can be cleared, and is refused elsewhere: so fields
//! that are optional, but cannot be cleared, keep apart whether they were absent or null.

use async_graphql::MaybeUndefined;

use crate::errors::ApiError;

/// A field that cannot be cleared.
///
/// # Errors
/// It is null.
pub fn not_null<T>(field: &str, value: MaybeUndefined<T>) -> Result<Option<T>, ApiError> {
    match value {
        MaybeUndefined::Undefined => Ok(None),
        MaybeUndefined::Value(value) => Ok(Some(value)),
        MaybeUndefined::Null => Err(ApiError::invalid(
            field,
            "must not be null, but can be left out",
        )),
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

    #[test]
    fn null_is_refused_in_words_that_fit_what_is_made_and_what_is_changed() {
        assert_eq!(not_null("reason", MaybeUndefined::Value(1)), Ok(Some(1)));
        let absent: MaybeUndefined<i32> = MaybeUndefined::Undefined;
        assert_eq!(not_null("reason", absent), Ok(None));
        let refused = not_null("reason", MaybeUndefined::<i32>::Null).expect_err("null");
        assert_eq!(refused.field.as_deref(), Some("reason"));
        assert_eq!(
            refused.message,
            "reason must not be null, but can be left out"
        );
    }
}
