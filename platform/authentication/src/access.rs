//! What may be done by whom.

use crate::caller::{Caller, Denied};
use crate::principal::Role;

/// Who may call a method or select a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Also without a token.
    Anyone,
    /// Customers, and administrators.
    Customer,
    Admin,
}

impl Access {
    /// # Errors
    /// `caller` does not have it.
    pub fn require_of(self, caller: &Caller) -> Result<(), Denied> {
        match self {
            Self::Anyone => Ok(()),
            Self::Customer => caller.require(Role::Customer),
            Self::Admin => caller.require(Role::Admin),
        }
    }
}
