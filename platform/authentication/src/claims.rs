//! The claims of a token, and which of them are accepted.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::TokenError;
use crate::principal::{Principal, Roles};
use crate::rules::TokenRules;

/// How much the clocks of the issuer and of this machine may differ.
pub const LEEWAY: TimeDelta = TimeDelta::seconds(30);

const MAX_SUBJECT_CHARS: usize = 255;

/// Every claim, so that a wrong type in one is reported by its name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Claims(Map<String, Value>);

/// Which claim states since when a token is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidFrom {
    /// `nbf` must be present.
    NotBefore,
    /// `OpenID` providers may omit `nbf`: then `iat` must be present.
    NotBeforeOrIssuedAt,
}

/// Whether a token that expires at `expires_at` has expired, clocks that differ considered.
pub fn is_expired(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    expires_at <= now - LEEWAY
}

impl Claims {
    /// The principal of a token whose signature is valid.
    ///
    /// # Errors
    /// A claim is missing, has the wrong type, or is not accepted.
    pub fn principal(
        &self,
        rules: &TokenRules,
        valid_from: ValidFrom,
        now: DateTime<Utc>,
    ) -> Result<Principal, TokenError> {
        if self.text("iss")? != rules.issuer {
            return Err(TokenError::NotForThisSystem("iss"));
        }
        if !self.audiences()?.contains(&&*rules.audience) {
            return Err(TokenError::NotForThisSystem("aud"));
        }
        let expires_at = self.time("exp")?.ok_or(TokenError::Claim("exp"))?;
        if is_expired(expires_at, now) {
            return Err(TokenError::Expired);
        }
        for starts_at in [self.time("nbf")?, self.time("iat")?].into_iter().flatten() {
            if starts_at > now + LEEWAY {
                return Err(TokenError::NotYetValid);
            }
        }
        let is_dated = self.0.contains_key("nbf")
            || valid_from == ValidFrom::NotBeforeOrIssuedAt && self.0.contains_key("iat");
        if !is_dated {
            return Err(TokenError::Claim("nbf"));
        }
        let subject = self.text("sub")?;
        if subject.is_empty()
            || subject.chars().count() > MAX_SUBJECT_CHARS
            || subject.contains('\0')
        {
            return Err(TokenError::Claim("sub"));
        }
        Ok(Principal {
            subject: subject.to_owned(),
            roles: self.roles(&rules.roles_claim),
            expires_at,
        })
    }

    fn text(&self, name: &'static str) -> Result<&str, TokenError> {
        let value = self.0.get(name).and_then(Value::as_str);
        value.ok_or(TokenError::Claim(name))
    }

    fn audiences(&self) -> Result<Vec<&str>, TokenError> {
        let wrong = TokenError::Claim("aud");
        match self.0.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) => {
                let all = all.iter().map(|each| each.as_str().ok_or(wrong));
                all.collect()
            }
            _ => Err(wrong),
        }
    }

    /// A number of seconds since 1970, which may have a fraction.
    fn time(&self, name: &'static str) -> Result<Option<DateTime<Utc>>, TokenError> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let seconds = value.as_f64().filter(|seconds| *seconds >= 0.0);
        #[expect(clippy::cast_possible_truncation, reason = "it is checked by chrono")]
        let micros = seconds.map(|seconds| (seconds * 1e6) as i64);
        let time = micros.and_then(DateTime::from_timestamp_micros);
        time.map(Some).ok_or(TokenError::Claim(name))
    }

    /// The known roles at a path such as `roles` or `realm_access.roles`: a list of names, or names with spaces between them.
    /// Others are those of other systems.
    fn roles(&self, path: &str) -> Roles {
        // Some providers have names with dots, such as https://shop.example/roles.
        let found = self.0.get(path).or_else(|| {
            let mut parts = path.split('.');
            let first = parts.next().and_then(|name| self.0.get(name));
            parts.fold(first, |value, name| value?.get(name))
        });
        let names: Vec<&str> = match found {
            Some(Value::String(text)) => text.split(' ').collect(),
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
