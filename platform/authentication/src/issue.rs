//! Issues tokens: for development and tests, and for the calls between services.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::crypto;
use crate::error::KeyError;
use crate::keys::read_secret;
use crate::principal::Role;

/// Signs tokens by the secret that a [`TokenVerifier`](crate::TokenVerifier) has too.
#[derive(Debug)]
pub struct TokenIssuer(EncodingKey);

/// What a token says.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    pub issuer: String,
    pub audience: String,
    /// Where the roles are, such as `roles` or `realm_access.roles`.
    pub roles_claim: String,
    pub subject: String,
    pub roles: Vec<Role>,
    pub valid_for: Duration,
}

impl TokenIssuer {
    /// Reads the secret.
    ///
    /// # Errors
    /// The file cannot be read, or the secret is short.
    pub fn open(secret_file: &Path) -> Result<Self, KeyError> {
        let secret = read_secret(secret_file)?;
        let key = EncodingKey::from_secret(&secret).map_err(|_| KeyError::NotAKey {
            path: secret_file.to_owned(),
        })?;
        Ok(Self::of_key(key))
    }

    /// Signs by a key of a secret.
    pub(crate) const fn of_key(key: EncodingKey) -> Self {
        Self(key)
    }

    /// A token that is valid from now on.
    #[must_use]
    pub fn issue(&self, request: &TokenRequest, now: DateTime<Utc>) -> String {
        crypto::install();
        let valid_for = i64::try_from(request.valid_for.as_secs()).unwrap_or(i64::MAX);
        let now = now.timestamp();
        let roles = request.roles.iter().map(|role| role.name());
        let mut claims = json!({
            "iss": request.issuer,
            "aud": request.audience,
            "sub": request.subject,
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add(valid_for),
        });
        place(&mut claims, &request.roles_claim, roles.collect());
        // Cannot fail: the claims are texts and numbers, and a secret can sign anything.
        encode(&Header::new(Algorithm::HS256), &claims, &self.0).unwrap_or_default()
    }
}

/// Sets the value at a path such as `a.b`.
fn place(claims: &mut Value, path: &str, value: Value) {
    let mut target = claims;
    for name in path.split('.') {
        if !target.is_object() {
            *target = json!({});
        }
        target = &mut target[name];
    }
    *target = value;
}
