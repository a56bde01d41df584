use std::any::TypeId;
use std::sync::{Arc, Mutex, PoisonError};

use async_graphql::{Response, ServerError, Value, Variables};
use async_graphql_value::indexmap::IndexMap;
use chrono::DateTime;
use event_sourcing::CommandId;
use serde_json::json;

use super::super::{Limits, TEST_SDL};
use super::{Engine, Executor, Identity, Prepared, Query, ValidatedDocument};
use crate::origin::Origin;

/// An engine that records whether it may omit the validation, and finds a document with a `price` invalid.
fn engine(seen: &Arc<Mutex<Vec<bool>>>) -> Engine {
    let seen = Arc::clone(seen);
    Box::new(move |request, _| {
        let is_validated = TypeId::of::<ValidatedDocument>();
        let is_validated = request.data.contains_key(&is_validated);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(is_validated);
        let response = if request.query.contains("price") {
            Response::from_errors(vec![ServerError::new("invalid", None)])
        } else {
            Response::new(Value::Object(IndexMap::new()))
        };
        Box::pin(async move { response })
    })
}

/// The executor, and what its engine has recorded.
fn executor() -> (Executor, Arc<Mutex<Vec<bool>>>) {
    let seen = Arc::default();
    let limits = Limits {
        depth: 10,
        complexity: 1_000,
        response_bytes: 1_000,
        introspection: false,
    };
    let executor = Executor::try_new(engine(&seen), TEST_SDL.to_owned(), limits);
    (executor.expect("a schema"), seen)
}

fn prepared(executor: &Executor, text: &str, variables: serde_json::Value) -> Prepared {
    let query = Query {
        text: text.to_owned(),
        variables: Variables::from_json(variables),
        ..Query::default()
    };
    executor.prepare(query).expect("valid")
}

async fn execute(executor: &Executor, prepared: Prepared) {
    let identity = Identity {
        origin: Origin::new_random(),
        seed: CommandId::from_parts(DateTime::UNIX_EPOCH, [0; 10]),
        minimum: None,
        keyed: false,
    };
    executor.execute(prepared, identity, None).await;
}

fn recorded(seen: &Mutex<Vec<bool>>) -> Vec<bool> {
    std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner))
}

#[tokio::test]
async fn a_document_is_validated_once_by_the_engine() {
    let (executor, seen) = executor();
    for _ in 0..3 {
        let text = "query($id: ID!) { category(id: $id) { name } }";
        execute(&executor, prepared(&executor, text, json!({"id": "1"}))).await;
    }
    assert_eq!(recorded(&seen), [false, true, true]);
    for _ in 0..2 {
        let invalid = "{ products { price } }";
        execute(&executor, prepared(&executor, invalid, json!({}))).await;
    }
    assert_eq!(recorded(&seen), [false, false]);
}

#[tokio::test]
async fn a_document_of_which_a_part_was_removed_is_validated_again() {
    let (executor, seen) = executor();
    for variables in [json!({}), json!({"n": 1}), json!({}), json!({"n": 2})] {
        let text = "query($n: Int) { products(limit: $n) { id } }";
        execute(&executor, prepared(&executor, text, variables)).await;
    }
    assert_eq!(recorded(&seen), [false, false, true, true]);
}

/// The engine has validated the document of a request with an Idempotency-Key before its key is claimed.
#[tokio::test]
async fn what_a_trial_has_validated_is_not_validated_by_the_execution() {
    let (executor, seen) = executor();
    let text = "mutation { deleteCategory(id: 1) }";
    let request = prepared(&executor, text, json!({}));
    let trial = Executor::trial_of(&request).expect("a trial");
    execute(&executor, trial).await;
    assert!(!request.is_validated());
    request.set_validated();
    execute(&executor, request).await;
    assert_eq!(recorded(&seen), [false, true]);
}
