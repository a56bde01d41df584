//! Requests with an Idempotency-Key: executed once, answered alike.
//!
//! ```text
//! Begin ── again ───────► the answer that was kept
//!   │  ── in progress ──► 409      ── reused ──► 422
//!   └─ fresh: a seed and a lease
//!        execute, every command id derived from the seed   (Renew while it runs)
//!        Finish with the answer, if the domain had the last word
//! ```
//!
//! The answer leaves when it is kept: a repeat must not get another one. If it cannot be kept, what leaves says for each
//! mutation whether it took effect.
//!
//! The execution is a task of its own: it ends, and its answer is kept, also when the client has gone. If this
//! process dies, the lease passes; the next request with the key gets the same seed, and the event store
//! recognises the commands that had committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Value, Variables};
use contract::MAX_KEPT_ANSWER_BYTES;
use futures::future::{Either, select};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::responder::Responder;
use super::response::HttpResponse;
use crate::errors::ApiError;
use crate::graphql::{Identity, Prepared, Query};
use crate::upstream::{Claim, Lease};

/// Who asks while nobody has to say who they are.
const ANYBODY: &str = "anonymous";

/// A request with its key.
#[derive(Debug)]
pub struct IdempotentRequest {
    pub key: String,
    pub request: Prepared,
    /// Its ids; the seed is replaced by the key's.
    pub identity: Identity,
}

/// Answers a request that may have been answered before.
///
/// # Errors
/// The key is in use, or belongs to another request, or the command-service does not answer.
pub async fn execute_once(
    responder: Arc<Responder>,
    keyed: IdempotentRequest,
) -> Result<HttpResponse, ApiError> {
    let IdempotentRequest {
        key,
        request,
        identity,
    } = keyed;
    let services = responder.executor().services().clone();
    let hash = request_hash(request.query());
    let (seed, lease) = match services
        .begin(&identity.origin, ANYBODY, &key, hash)
        .await?
    {
        Claim::Again(kept) => return from_kept(&kept),
        Claim::Fresh { seed, lease } => (seed, lease),
    };
    let identity = Identity {
        seed,
        keyed: true,
        ..identity
    };
    let (tell, told) = oneshot::channel();
    let tasks = responder.tasks().clone();
    tasks.spawn_job(async move {
        let answer = execute_leased(&responder, request, identity, lease).await;
        // The client may have gone; its repeat gets what was kept.
        let _ = tell.send(answer);
    });
    told.await
        .map_err(|_| ApiError::internal("a request with an Idempotency-Key ended without answer"))
}

async fn execute_leased(
    responder: &Responder,
    request: Prepared,
    identity: Identity,
    lease: Lease,
) -> HttpResponse {
    let services = responder.executor().services();
    let execution = std::pin::pin!(responder.execute(request, identity));
    let renewal = std::pin::pin!(services.renew(&lease));
    let answer = match select(execution, renewal).await {
        Either::Left((answer, _)) => answer,
        Either::Right((never, _)) => match never {},
    };
    if services.finish(&lease, to_kept(&answer)).await {
        answer
    } else {
        responder.not_kept(answer)
    }
}

/// The bytes to keep, unless the answer is not the last word or too long to keep.
fn to_kept(answer: &HttpResponse) -> Option<Vec<u8>> {
    if !answer.is_final {
        return None;
    }
    let position = answer.position.map(|position| position.to_string());
    let mut kept = position.unwrap_or_default().into_bytes();
    kept.push(b'\n');
    kept.extend_from_slice(&answer.body);
    (kept.len() <= MAX_KEPT_ANSWER_BYTES).then_some(kept)
}

fn from_kept(kept: &[u8]) -> Result<HttpResponse, ApiError> {
    let broken = || ApiError::internal("a kept answer cannot be read");
    let end = kept
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(broken)?;
    let position = std::str::from_utf8(&kept[..end]).map_err(|_| broken())?;
    let position = match position {
        "" => None,
        digits => Some(digits.parse().map_err(|_| broken())?),
    };
    Ok(HttpResponse::again(kept[end + 1..].to_vec(), position))
}

/// The same for the same operation with the same variables, in whatever order those were written.
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
    use super::{from_kept, request_hash, to_kept};
    use crate::graphql::{Query, ReplacedNumbers};

    fn hash(text: &str, variables: serde_json::Value) -> Vec<u8> {
        request_hash(&Query {
            text: text.to_owned(),
            operation_name: None,
            variables: Variables::from_json(variables),
            replaced: ReplacedNumbers::default(),
        })
    }

    #[test]
    fn the_hash_knows_operation_and_variables_but_not_their_order() {
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
    fn what_was_kept_is_the_answer_again() {
        for position in [None, Some(42)] {
            let answer = HttpResponse::again(b"{\"data\":\n1}".to_vec(), position);
            let kept = to_kept(&answer).expect("short enough");
            assert_eq!(from_kept(&kept), Ok(answer));
        }
        assert!(from_kept(b"nonsense").is_err());
        let long = HttpResponse::again(vec![b' '; 1024 * 1024], None);
        assert_eq!(to_kept(&long), None);
    }
}
