//! The kinds of tokens, and what each is good for.

use authentication::Access;
use chrono::TimeDelta;
use event_sourcing::{Clock, SystemClock};
use test_tokens::{Secrets, Token};

use super::root_fields::ID;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Missing,
    Malformed,
    WrongSignature,
    Expired,
    NotYetValid,
    WrongAudience,
    WrongIssuer,
    WithoutRole,
    Customer,
    Admin,
}

/// What a request gets that selects a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Allowed,
    /// It must authenticate.
    Unauthenticated,
    /// Its token is not accepted, whatever it selects.
    InvalidToken,
    Forbidden,
}

impl TokenKind {
    pub const ALL: [Self; 10] = [
        Self::Missing,
        Self::Malformed,
        Self::WrongSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongAudience,
        Self::WrongIssuer,
        Self::WithoutRole,
        Self::Customer,
        Self::Admin,
    ];

    /// The value of `Authorization`.
    pub fn authorization(self, secrets: &Secrets) -> Option<String> {
        let now = SystemClock.now();
        let (minute, hour) = (TimeDelta::minutes(1), TimeDelta::hours(1));
        let valid = Token::of(ID, &["admin"]);
        let token = match self {
            Self::Missing => return None,
            Self::Malformed => return Some("Bearer a.b.c".to_owned()),
            Self::WrongSignature => {
                let foreign = valid.signed_with("another secret, of 32 bytes or more");
                return Some(format!("Bearer {foreign}"));
            }
            Self::Expired => valid.valid(now - hour, now - minute),
            Self::NotYetValid => valid.valid(now + minute, now + hour),
            Self::WrongAudience => valid.with("aud", "another system"),
            Self::WrongIssuer => valid.with("iss", "another issuer"),
            Self::WithoutRole => Token::of(ID, &[]),
            Self::Customer => Token::of(ID, &["customer"]),
            Self::Admin => valid,
        };
        Some(secrets.authorization_of(&token))
    }

    /// Whether such a token is refused as such.
    pub fn is_invalid(self) -> bool {
        !matches!(
            self,
            Self::Missing | Self::WithoutRole | Self::Customer | Self::Admin
        )
    }

    pub fn expected(self, access: Access) -> Expected {
        match (self, access) {
            (it, _) if it.is_invalid() => Expected::InvalidToken,
            (Self::Admin, _) | (_, Access::Anyone) | (Self::Customer, Access::Customer) => {
                Expected::Allowed
            }
            (Self::Missing, _) => Expected::Unauthenticated,
            _ => Expected::Forbidden,
        }
    }
}

impl Expected {
    /// The status of the response, its code and its `WWW-Authenticate`; `None` if it is executed.
    pub fn rejection(self) -> Option<(u16, &'static str, Option<&'static str>)> {
        match self {
            Self::Allowed => None,
            Self::Unauthenticated => Some((401, "UNAUTHENTICATED", Some("Bearer"))),
            Self::InvalidToken => {
                let challenge = "Bearer error=\"invalid_token\"";
                Some((401, "UNAUTHENTICATED", Some(challenge)))
            }
            Self::Forbidden => Some((403, "FORBIDDEN", None)),
        }
    }
}
