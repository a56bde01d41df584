//! Who sends a request.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

/// What a principal may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Changes the catalogue, sees all orders, and gives operator commands.
    Admin,
    /// Sees and changes the orders of its own.
    Customer,
}

impl Role {
    pub const ALL: [Self; 2] = [Self::Admin, Self::Customer];

    /// Its name in tokens.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Customer => "customer",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        let known = Self::ALL.into_iter().find(|role| role.name() == name);
        known.ok_or(UnknownRole)
    }
}

/// The name is not one of the roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be admin or customer")]
pub struct UnknownRole;

/// The roles of a principal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl Roles {
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL
            .into_iter()
            .filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        Self(roles.into_iter().fold(0, |all, role| all | role.bit()))
    }
}

/// The sender of a request, as its token states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The token's `sub`: 1 to 255 characters. The user id of a customer's orders.
    pub subject: String,
    pub roles: Roles,
    /// When the token expires.
    pub expires_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::{Role, Roles};

    #[test]
    fn roles_are_a_set() {
        assert_eq!(Roles::default().iter().count(), 0);
        let admin = Roles::from_iter([Role::Admin, Role::Admin]);
        assert!(admin.contains(Role::Admin) && !admin.contains(Role::Customer));
        let both = Roles::from_iter(Role::ALL);
        assert!(both.iter().eq(Role::ALL));
    }

    #[test]
    fn a_role_is_read_from_its_name() {
        for role in Role::ALL {
            assert_eq!(role.name().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }
}
