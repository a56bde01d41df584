//! Authenticates clients by the token of their request.

use std::sync::Arc;
use std::time::Duration;

use authentication::{
    Caller, NotBearer, TokenConfig, TokenError, TokenVerifier, bearer, bearer_of,
};
use event_sourcing::Clock;
use http::HeaderMap;
use platform::health::ComponentState;
use platform::{Health, StartError, Tasks};
use serde_json::{Map, Value};

use crate::errors::{ApiError, Code};

/// After how many seconds a client repeats a request while tokens cannot be verified.
const RETRY_AFTER_SECONDS: u64 = 5;

const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// How clients are authenticated. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authentication(Option<TokenVerifier>);

impl Authentication {
    /// Everyone may do everything.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Authentication as the settings state it: off without `tokens`. Else clients send tokens, and a request without one may
    /// do what is open to everyone. While tokens cannot be verified, for want of keys, `health` says so.
    ///
    /// # Errors
    /// A file has no key, or the HTTP client that asks for keys cannot be set up.
    pub async fn open(
        tokens: Option<&TokenConfig>,
        clock: &Arc<dyn Clock>,
        health: &Health,
        tasks: &Tasks,
    ) -> Result<Self, StartError> {
        let Some(TokenConfig { source, rules }) = tokens else {
            return Ok(Self::off());
        };
        let opened = TokenVerifier::open(source, rules.clone(), Arc::clone(clock), tasks).await;
        let verifier = opened
            .map_err(|error| StartError::failed("set up the verification of tokens", error))?;
        watch_keys(verifier.clone(), health, tasks).await;
        Ok(Self(Some(verifier)))
    }

    /// The sender of a request with these headers.
    ///
    /// # Errors
    /// Its token is not accepted, or cannot be verified at the moment.
    pub(super) async fn caller_of(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let Some(verifier) = &self.0 else {
            return Ok(Caller::Unchecked);
        };
        match bearer(headers) {
            Ok(None) => Ok(Caller::Anonymous),
            Ok(Some(token)) => verified(verifier, token).await,
            Err(error) => Err(refused(TokenError::from(error).counted())),
        }
    }

    /// The sender that the payload of a `connection_init` names, if it names one: by a field `Authorization`, in the words of
    /// the header, which is how clients in browsers send it.
    ///
    /// # Errors
    /// Its token is not accepted, or cannot be verified at the moment.
    pub(super) async fn caller_in(
        &self,
        payload: Option<&Map<String, Value>>,
    ) -> Result<Option<Caller>, ApiError> {
        let Some(verifier) = &self.0 else {
            return Ok(None);
        };
        match token_in(payload) {
            Ok(None) => Ok(None),
            Ok(Some(token)) => verified(verifier, token).await.map(Some),
            Err(error) => Err(refused(TokenError::from(error).counted())),
        }
    }
}

/// The token in the payload of a `connection_init`. Null and an empty text are none, as clients send them for a visitor
/// who is not signed in.
fn token_in(payload: Option<&Map<String, Value>>) -> Result<Option<&str>, NotBearer> {
    let mut fields = payload.into_iter().flatten();
    let mut next = || fields.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let given = next();
    // Which one of two counts would be a guess, as with headers.
    if next().is_some() {
        return Err(NotBearer);
    }
    match given.map(|(_, value)| value) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => bearer_of(text),
        Some(_) => Err(NotBearer),
    }
}

/// Registers the component of the keys. Without them the process still serves what needs no token, so it stays ready.
async fn watch_keys(verifier: TokenVerifier, health: &Health, tasks: &Tasks) {
    let probe = move || {
        std::future::ready(if verifier.is_ready() {
            ComponentState::up("loaded")
        } else {
            ComponentState::impaired("unavailable")
        })
    };
    health
        .probe("token_keys", PROBE_INTERVAL, tasks, probe)
        .await;
}

async fn verified(verifier: &TokenVerifier, token: &str) -> Result<Caller, ApiError> {
    let principal = verifier.verify(token).await;
    principal.map(Caller::Principal).map_err(refused)
}

fn refused(error: TokenError) -> ApiError {
    if error == TokenError::KeysUnavailable {
        return ApiError {
            retry_after: Some(RETRY_AFTER_SECONDS),
            ..ApiError::new(Code::ServiceUnavailable, error.to_string())
        };
    }
    ApiError::new(Code::InvalidToken, error.to_string())
}

#[cfg(test)]
mod tests {
    use authentication::NotBearer;
    use serde_json::{Value, json};

    use super::token_in;

    #[test]
    fn a_payload_has_one_bearer_token_or_none() {
        let of = |payload: Value| token_in(payload.as_object()).map(|it| it.map(str::to_owned));
        for none in [
            Value::Null,
            json!({}),
            json!({"token": "Bearer abc"}),
            json!({"Authorization": null}),
            json!({"authorization": " "}),
        ] {
            assert_eq!(of(none.clone()), Ok(None), "{none}");
        }
        for name in ["Authorization", "authorization"] {
            assert_eq!(of(json!({name: "Bearer abc"})), Ok(Some("abc".to_owned())));
        }
        for other in [
            json!("abc"),
            json!("Bearer"),
            json!(5),
            json!(["Bearer abc"]),
        ] {
            let payload = json!({"Authorization": other});
            assert_eq!(of(payload), Err(NotBearer), "{other}");
        }
        let twice = json!({"Authorization": "Bearer abc", "authorization": "Bearer abc"});
        assert_eq!(of(twice), Err(NotBearer));
    }
}
