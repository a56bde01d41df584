//! Tokens with any claims.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use event_sourcing::{Clock, SystemClock};
use ring::hmac;
use serde_json::{Map, Value, json};

const VALID_FOR: TimeDelta = TimeDelta::hours(1);
/// The default of `AUTH_ISSUER` and `AUTH_AUDIENCE`.
const THIS_SYSTEM: &str = "rust-cqrs";

/// The claims of a token. Each change returns another one.
#[derive(Clone, Debug)]
pub struct Token(Map<String, Value>);

impl Token {
    /// Valid from now on for an hour, for a system with the default settings.
    #[must_use]
    pub fn of(subject: &str, roles: &[&str]) -> Self {
        let now = SystemClock.now();
        Self(Map::new())
            .with("iss", THIS_SYSTEM)
            .with("aud", THIS_SYSTEM)
            .with("sub", subject)
            .with("roles", roles)
            .valid(now, now + VALID_FOR)
    }

    /// What the gateway signs in each call of a service.
    #[must_use]
    pub fn of_call(subject: &str, roles: &[&str]) -> Self {
        Self::of(subject, roles)
            .with("iss", "rust-cqrs/gateway")
            .with("aud", "rust-cqrs/services")
    }

    #[must_use]
    pub fn valid(self, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        let (from, until) = (from.timestamp(), until.timestamp());
        self.with("iat", from).with("nbf", from).with("exp", until)
    }

    #[must_use]
    pub fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.0.insert(claim.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn without(mut self, claim: &str) -> Self {
        self.0.remove(claim);
        self
    }

    /// Signed by HS256.
    #[must_use]
    pub fn signed_with(&self, secret: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let header = json!({"alg": "HS256", "typ": "JWT"});
        self.signed(&header, |message| {
            hmac::sign(&key, message).as_ref().to_vec()
        })
    }

    /// Signed in any way.
    #[must_use]
    pub fn signed(&self, header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let claims = Value::Object(self.0.clone()).to_string();
        let header = part(header.to_string().as_bytes());
        let message = format!("{header}.{}", part(claims.as_bytes()));
        let signature = part(&sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}
