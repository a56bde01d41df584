//! Who may select which field.

use async_graphql::parser::types::ConstDirective;
use async_graphql::registry::location_traits::Directive_At_FIELD_DEFINITION;
use async_graphql::{Enum, Pos, Positioned, TypeDirective, Value};
use authentication::{Access, Caller, Denied};

use super::directives::{applied, find};
use crate::errors::{ApiError, Code};

/// Who may select a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum AccessLevel {
    /// Everyone, also without a token.
    Anyone,
    /// Customers, of what is theirs, and administrators.
    Customer,
    /// Administrators.
    Admin,
}

/// Who may select the field. A request that selects a field which its sender may not select is not executed.
#[TypeDirective(location = "FieldDefinition", name = "access")]
fn field_access(#[graphql(desc = "Whose requests may select the field.")] to: AccessLevel) {}

applied! {
    /// A field that everyone may select, also without a token.
    OpenToAnyone() at Directive_At_FIELD_DEFINITION => field_access(AccessLevel::Anyone);
    /// A field for customers, of what is theirs, and for administrators.
    ForCustomers() at Directive_At_FIELD_DEFINITION => field_access(AccessLevel::Customer);
    /// A field for administrators.
    ForAdmins() at Directive_At_FIELD_DEFINITION => field_access(AccessLevel::Admin);
}

/// The access that a field's directives state, if they do.
pub fn access_of(directives: &[Positioned<ConstDirective>]) -> Option<Access> {
    let stated = find(directives, "access")?.get_argument("to")?;
    match &stated.node {
        Value::Enum(level) => match level.as_str() {
            "ANYONE" => Some(Access::Anyone),
            "CUSTOMER" => Some(Access::Customer),
            "ADMIN" => Some(Access::Admin),
            _ => None,
        },
        _ => None,
    }
}

/// The access that a selection needs, because of this field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeededAccess<'a> {
    pub access: Access,
    pub field: &'a str,
    pub place: Pos,
}

impl NeededAccess<'_> {
    /// The stricter of two.
    pub fn stricter(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        let access = |needed: &Option<Self>| needed.map(|needed| needed.access);
        if access(&other) > access(&one) {
            other
        } else {
            one
        }
    }

    /// `None` if everyone has it.
    pub fn into_required(self) -> Option<RequiredAccess> {
        (self.access > Access::Anyone).then(|| RequiredAccess {
            access: self.access,
            field: self.field.into(),
            place: self.place,
        })
    }
}

/// An access that not everyone has, which a request needs because of a field that it selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredAccess {
    access: Access,
    field: Box<str>,
    place: Pos,
}

impl RequiredAccess {
    /// # Errors
    /// `caller` does not have it.
    pub fn require_of(&self, caller: &Caller) -> Result<(), ApiError> {
        let Self {
            access,
            field,
            place,
        } = self;
        access.require_of(caller).map_err(|denied| {
            let role = match access {
                Access::Admin => "admin",
                Access::Customer | Access::Anyone => "customer",
            };
            let (code, message) = match denied {
                Denied::Unauthenticated => {
                    (Code::Unauthenticated, format!("{field} needs a token"))
                }
                Denied::Forbidden => (Code::Forbidden, format!("{field} needs the role {role}")),
            };
            ApiError::at_location(code, message, *place)
        })
    }
}
