//! Operations whose results are sent as messages: over a WebSocket or as an event stream.

use std::sync::Arc;

use authentication::Caller;
use serde_json::{Map, Value};

use super::clients::Account;
use super::outbox::{Item, Outbox};
use super::request;
use super::subscriptions::{Hub, Rejected, SubscriptionStart};
use crate::errors::ApiError;
use crate::graphql::{Prepared, ReplacedNumbers};
use crate::origin::Origin;

/// A valid operation.
#[derive(Debug)]
pub struct Operation(Prepared);

impl Operation {
    #[must_use]
    pub fn is_subscription(&self) -> bool {
        self.0.is_subscription()
    }
}

/// Parses and validates the request in a message.
///
/// # Errors
/// It is no GraphQL request, is invalid, exceeds a limit, or `caller` may not select one of its fields.
pub async fn parse(
    hub: &Hub,
    (caller, account): (&Caller, &mut Account),
    payload: Map<String, Value>,
    replaced: ReplacedNumbers,
) -> Result<Operation, ApiError> {
    let query = request::from_object(payload, replaced, hub.operations())?;
    let prepared = hub.responder().executor().prepare(query)?;
    prepared.require_access_of(caller)?;
    account.spend(caller, prepared.units())?;
    request::store_persisted(hub.operations(), hub.responder(), &prepared).await;
    Ok(Operation(prepared))
}

/// Runs an operation and sends its messages. That of a subscription never ends before it is dropped.
pub async fn run(
    hub: Arc<Hub>,
    Operation(prepared): Operation,
    origin: Origin,
    (operation, outbox): (u64, Outbox),
) {
    let responder = hub.responder();
    if prepared.is_subscription() {
        let start = SubscriptionStart {
            request: prepared,
            origin,
            operation,
            outbox: outbox.clone(),
            resumed: None,
            minimum: None,
        };
        match hub.subscribe(start).await {
            Ok(running) => running.await,
            Err(rejected) => outbox.push(Item::Error {
                operation,
                body: match rejected {
                    Rejected::Early(error) => responder.errors(&error),
                    Rejected::Executed(response) => response.errors(),
                },
            }),
        }
        return;
    }
    let admitted = match responder.load().admit(prepared.load()) {
        Ok(admitted) => admitted,
        Err(error) => {
            let body = responder.errors(&error);
            outbox.push(Item::Error { operation, body });
            return;
        }
    };
    // A socket has no headers for each operation: what it has shown is what the next one reflects.
    let identity = responder.identity(origin, outbox.shown_position());
    let response = responder.execute(prepared, identity).await;
    drop(admitted);
    outbox.show_position(response.position);
    if !response.is_executed() {
        let body = response.errors();
        outbox.push(Item::Error { operation, body });
        return;
    }
    outbox.push(Item::Next {
        operation,
        position: None,
        body: response.body.into(),
    });
    outbox.push(Item::Complete { operation });
}
