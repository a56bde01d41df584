//! What a customer may ask for: what is its own.

use authentication::Denied;
use graphql_http::{ApiError, Code, ExecutionContext};

/// Rejects the id of another user, which `field` has. The services check it again.
///
/// # Errors
/// The caller is a customer, and `user` is not it.
pub fn require_own(
    execution: &ExecutionContext,
    field: &str,
    user: Option<&str>,
) -> Result<(), ApiError> {
    let scope = execution.origin().caller().orders();
    if scope.map_err(denied)?.includes_list_of(user) {
        return Ok(());
    }
    let message = format!("{field} must be the id of the user whose token it is");
    Err(ApiError {
        field: Some(field.to_owned()),
        ..ApiError::new(Code::Forbidden, message)
    })
}

fn denied(denied: Denied) -> ApiError {
    match denied {
        Denied::Unauthenticated => ApiError::new(Code::Unauthenticated, "orders need a token"),
        Denied::Forbidden => ApiError::new(Code::Forbidden, "orders need the role customer"),
    }
}
