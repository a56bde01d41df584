//! Who sends a request, and what may be done for it.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};

use crate::claims::LEEWAY;
use crate::principal::{Principal, Role, Roles};

/// The sender of a request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Authentication is off: everything is allowed to everyone.
    Unchecked,
    /// Authentication is on, and the request has no token.
    Anonymous,
    Principal(Arc<Principal>),
}

/// Why a caller may not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It must say who it is.
    Unauthenticated,
    /// Its roles do not allow it.
    Forbidden,
}

/// Whose orders a caller may see and change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    All,
    /// Those of the user with this id.
    Own(&'a str),
}

impl Scope<'_> {
    /// Whether the orders of `user` are in it.
    #[must_use]
    pub fn includes(self, user: &str) -> bool {
        match self {
            Self::All => true,
            Self::Own(subject) => subject == user,
        }
    }

    /// Whether all orders of a list are in it: the list of the orders of `user`, or of all users.
    #[must_use]
    pub fn includes_list_of(self, user: Option<&str>) -> bool {
        user.map_or(self == Self::All, |user| self.includes(user))
    }
}

impl Caller {
    /// The gateway itself, which reads for several clients at once.
    #[must_use]
    pub fn gateway() -> Self {
        static GATEWAY: LazyLock<Caller> = LazyLock::new(|| Caller::operator("gateway".to_owned()));
        GATEWAY.clone()
    }

    /// An operator who has the secret of the services, and so needs no token.
    #[must_use]
    pub fn operator(name: String) -> Self {
        Self::Principal(Arc::new(Principal {
            subject: name,
            roles: Roles::from_iter([Role::Admin]),
            expires_at: DateTime::<Utc>::MAX_UTC,
        }))
    }

    /// Who it is, if it is known.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        Some(&self.principal()?.subject)
    }

    /// Until when its token is accepted; `None` without one, or if it never expires.
    #[must_use]
    pub fn valid_until(&self) -> Option<DateTime<Utc>> {
        self.principal()?.expires_at.checked_add_signed(LEEWAY)
    }

    fn principal(&self) -> Option<&Principal> {
        match self {
            Self::Principal(principal) => Some(principal),
            Self::Unchecked | Self::Anonymous => None,
        }
    }

    /// # Errors
    /// It may not do what needs `role`.
    pub fn require(&self, role: Role) -> Result<(), Denied> {
        match (self.orders()?, role) {
            (Scope::Own(_), Role::Admin) => Err(Denied::Forbidden),
            _ => Ok(()),
        }
    }

    /// The orders that it may see and change.
    ///
    /// # Errors
    /// There are none, because it has no role.
    pub fn orders(&self) -> Result<Scope<'_>, Denied> {
        match self {
            Self::Unchecked => Ok(Scope::All),
            Self::Anonymous => Err(Denied::Unauthenticated),
            Self::Principal(it) if it.roles.contains(Role::Admin) => Ok(Scope::All),
            Self::Principal(it) if it.roles.contains(Role::Customer) => Ok(Scope::Own(&it.subject)),
            Self::Principal(_) => Err(Denied::Forbidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Caller, Denied, Scope};
    use crate::principal::{Principal, Role};

    fn alice(roles: &[Role]) -> Caller {
        let principal = Principal {
            subject: "alice".to_owned(),
            roles: roles.iter().copied().collect(),
            expires_at: chrono::DateTime::UNIX_EPOCH,
        };
        Caller::Principal(principal.into())
    }

    #[test]
    fn a_role_allows_what_it_is_for() {
        let all = [
            (Caller::Unchecked, Ok(()), Ok(()), Ok(Scope::All)),
            (
                Caller::Anonymous,
                Err(Denied::Unauthenticated),
                Err(Denied::Unauthenticated),
                Err(Denied::Unauthenticated),
            ),
            (
                alice(&[]),
                Err(Denied::Forbidden),
                Err(Denied::Forbidden),
                Err(Denied::Forbidden),
            ),
            (
                alice(&[Role::Customer]),
                Ok(()),
                Err(Denied::Forbidden),
                Ok(Scope::Own("alice")),
            ),
            (alice(&[Role::Admin]), Ok(()), Ok(()), Ok(Scope::All)),
            (alice(&Role::ALL), Ok(()), Ok(()), Ok(Scope::All)),
        ];
        for (caller, customer, admin, orders) in all {
            assert_eq!(caller.require(Role::Customer), customer, "{caller:?}");
            assert_eq!(caller.require(Role::Admin), admin, "{caller:?}");
            assert_eq!(caller.orders(), orders, "{caller:?}");
        }
    }

    #[test]
    fn own_orders_are_those_of_the_subject() {
        assert!(Scope::Own("alice").includes("alice") && !Scope::Own("alice").includes("Alice"));
        assert!(Scope::All.includes("anyone"));
        assert!(Scope::All.includes_list_of(Some("anyone")) && Scope::All.includes_list_of(None));
        let own = Scope::Own("alice");
        assert!(own.includes_list_of(Some("alice")) && !own.includes_list_of(Some("bob")));
        assert!(!own.includes_list_of(None));
    }
}
