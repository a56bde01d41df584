//! Issues tokens for development and tests.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;

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
    pub subject: String,
    pub roles: Vec<Role>,
    pub valid_for: Duration,
}

#[derive(Serialize)]
struct Issued<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    roles: Vec<&'static str>,
    iat: i64,
    nbf: i64,
    exp: i64,
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
        Ok(Self(key))
    }

    /// A token that is valid from now on.
    #[must_use]
    pub fn issue(&self, request: &TokenRequest, now: DateTime<Utc>) -> String {
        crypto::install();
        let valid_for = i64::try_from(request.valid_for.as_secs()).unwrap_or(i64::MAX);
        let now = now.timestamp();
        let claims = Issued {
            iss: &request.issuer,
            aud: &request.audience,
            sub: &request.subject,
            roles: request.roles.iter().map(|role| role.name()).collect(),
            iat: now,
            nbf: now,
            exp: now.saturating_add(valid_for),
        };
        // Cannot fail: the claims are texts and numbers, and a secret can sign anything.
        encode(&Header::new(Algorithm::HS256), &claims, &self.0).unwrap_or_default()
    }
}
