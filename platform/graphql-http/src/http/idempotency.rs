//! Requests with an Idempotency-Key: executed once; a repeat gets the same response.
//!
//! ```text
//! Begin ── again ───────► the stored response
//!   │  ── in progress ──► 409      ── reused ──► 422
//!   └─ fresh: a seed and a lease
//!        execute, every command id derived from the seed   (Renew while it runs)
//!        Finish with the response, if it is final
//! ```
//!
//! The response is sent only after it was stored, because a repeat must not get a different one. If it cannot be stored,
//! the client gets errors instead, which state for each mutation whether it took effect.
//!
//! The execution is a separate task: it completes, and its response is stored, even if the client disconnects. If this
//! process crashes, the lease expires; the next request with the key gets the same seed, and therefore the same command
//! ids, by which the event store recognises the commands that had committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Value, Variables};
use futures::future::{Either, select};
use grpc_calls::MAX_STORED_ANSWER_BYTES;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;
use tracing::Instrument;

use super::responder::Responder;
use super::response::HttpResponse;
use crate::backend::{Claim, Lease};
use crate::errors::ApiError;
use crate::graphql::{Identity, Prepared, Query};

/// The principal of all requests while authentication is off.
const ANONYMOUS: &str = "anonymous";

#[derive(Debug)]
pub struct IdempotentRequest {
    pub key: String,
    pub request: Prepared,
    /// Its seed is replaced by the one stored with the key.
    pub identity: Identity,
}

/// Executes a request once; a repeat returns the stored response.
///
/// # Errors
/// The key is in use, or belongs to another request, or the backend does not answer.
pub async fn execute_once(
    responder: Arc<Responder>,
    keyed: IdempotentRequest,
) -> Result<HttpResponse, ApiError> {
    let IdempotentRequest {
        key,
        request,
        identity,
    } = keyed;
    let hash = request_hash(request.query());
    let backend = responder.backend();
    let origin = &identity.origin;
    let principal = origin.caller().subject().unwrap_or(ANONYMOUS);
    let (seed, lease) = match backend.begin(origin, principal, &key, hash).await? {
        Claim::Again(stored) => return from_stored(&stored),
        Claim::Fresh { seed, lease } => (seed, lease),
    };
    let identity = Identity {
        seed,
        keyed: true,
        ..identity
    };
    let (sender, receiver) = oneshot::channel();
    let tasks = responder.tasks().clone();
    let executing = async move {
        let answer = execute_leased(&responder, request, identity, lease).await;
        // Fails if the client has disconnected; its repeat gets the stored response.
        let _ = sender.send(answer);
    };
    tasks.spawn_job(executing.in_current_span());
    receiver.await.map_err(|_| {
        ApiError::internal("a request with an Idempotency-Key ended without a response")
    })
}

async fn execute_leased(
    responder: &Responder,
    request: Prepared,
    identity: Identity,
    lease: Lease,
) -> HttpResponse {
    let backend = responder.backend();
    let execution = std::pin::pin!(responder.execute(request, identity));
    let renewal = std::pin::pin!(backend.renew(&lease));
    // The lease is renewed until the response exists, and released only by `finish`: were it released earlier, another
    // process could execute the request again before its response is stored.
    let answer = match select(execution, renewal).await {
        Either::Left((answer, _)) => answer,
        Either::Right((never, _)) => match never {},
    };
    if backend.finish(&lease, to_stored(&answer)).await {
        answer
    } else {
        responder.not_stored(answer)
    }
}

/// The bytes to store; `None` if the response is not final or too long.
fn to_stored(answer: &HttpResponse) -> Option<Vec<u8>> {
    if !answer.is_final {
        return None;
    }
    let position = answer.position.map(|position| position.to_string());
    let mut stored = position.unwrap_or_default().into_bytes();
    stored.push(b'\n');
    stored.extend_from_slice(&answer.body);
    (stored.len() <= MAX_STORED_ANSWER_BYTES).then_some(stored)
}

fn from_stored(stored: &[u8]) -> Result<HttpResponse, ApiError> {
    let broken = || ApiError::internal("a stored response cannot be read");
    let end = stored
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(broken)?;
    let position = std::str::from_utf8(&stored[..end]).map_err(|_| broken())?;
    let position = match position {
        "" => None,
        digits => Some(digits.parse().map_err(|_| broken())?),
    };
    Ok(HttpResponse::again(stored[end + 1..].to_vec(), position))
}

/// A hash of the operation and its variables, independent of the order of the variables.
fn request_hash(query: &Query) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update(bytes.len().to_be_bytes());
        hash.update(bytes);
    };
    part(query.text.as_bytes());
    part(
        query
            .operation_name
            .as_deref()
            .unwrap_or_default()
            .as_bytes(),
    );
    part(sorted(&query.variables).to_string().as_bytes());
    hash.finalize().to_vec()
}

/// The variables as JSON with sorted keys, at every level.
fn sorted(variables: &Variables) -> serde_json::Value {
    fn sort(value: &Value) -> serde_json::Value {
        match value {
            Value::Object(fields) => {
                let fields: BTreeMap<_, _> = fields
                    .iter()
                    .map(|(name, value)| (name.to_string(), sort(value)))
                    .collect();
                fields.into_iter().collect()
            }
            Value::List(items) => items.iter().map(sort).collect(),
            other => other.clone().into_json().unwrap_or_default(),
        }
    }
    let fields: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| (name.to_string(), sort(value)))
        .collect();
    fields.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::super::response::HttpResponse;
    use super::{from_stored, request_hash, to_stored};
    use crate::graphql::Query;

    fn hash(text: &str, variables: serde_json::Value) -> Vec<u8> {
        request_hash(&Query {
            text: text.to_owned(),
            variables: Variables::from_json(variables),
            ..Query::default()
        })
    }

    #[test]
    fn the_hash_depends_on_operation_and_variables_but_not_on_their_order() {
        let one = hash("a", json!({"x": {"b": 1, "c": [2]}, "y": null}));
        let same: serde_json::Value =
            serde_json::from_str(r#"{"y": null, "x": {"c": [2], "b": 1}}"#).expect("JSON");
        assert_eq!(one.len(), 32);
        assert_eq!(one, hash("a", same));
        assert_ne!(one, hash("b", json!({"x": {"b": 1, "c": [2]}, "y": null})));
        assert_ne!(one, hash("a", json!({"x": {"b": 1, "c": [3]}, "y": null})));
        assert_ne!(hash("a", json!({"y": null})), hash("a", json!({})));
    }

    #[test]
    fn a_stored_response_is_read_back_unchanged() {
        for position in [None, Some(42)] {
            let answer = HttpResponse::again(b"{\"data\":\n1}".to_vec(), position);
            let stored = to_stored(&answer).expect("short enough");
            assert_eq!(from_stored(&stored), Ok(answer));
        }
        assert!(from_stored(b"nonsense").is_err());
        let long = HttpResponse::again(vec![b' '; 1024 * 1024], None);
        assert_eq!(to_stored(&long), None);
    }
}
