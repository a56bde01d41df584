//! Events that providers push: something happened to the operation with this key.
//!
//! Such an event is a hint, not a result: it may be late, duplicated or stale. So it only makes the next attempt of a
//! waiting step due, and that attempt asks the provider. A suspended saga stays suspended until an operator acts.

use std::sync::Arc;
use std::time::Duration;

use domain::fulfilment::OrderSaga;
use event_sourcing::{Actor, Clock, Context, Executor, Metadata};
use platform::fields;
use sagas::fields::SAGA_ID;
use sagas::{OperationKey, OperatorCommand, SagaEngine};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::context;

/// Time limit of recording one hint.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// Records hints until the service stops.
pub async fn follow(
    mut news: mpsc::Receiver<OperationKey>,
    executor: Arc<Executor>,
    engine: SagaEngine,
    clock: Arc<dyn Clock>,
    stopping: CancellationToken,
) {
    while let Some(Some(key)) = stopping.run_until_cancelled(news.recv()).await {
        let Some((saga_id, _)) = key.as_str().split_once('/') else {
            continue;
        };
        let by = Actor {
            id: "payment provider".to_owned(),
            reason: format!("it reported an event for the key {key}"),
        };
        let hint = OperatorCommand::<OrderSaga>::hint(saga_id, key.as_str(), by);
        let command_id = context::new_id(&*clock);
        // No client request caused it, so it starts a correlation of its own.
        let context = Context {
            command_id,
            deadline: Instant::now() + COMMAND_TIMEOUT,
            metadata: Metadata {
                correlation_id: Some(command_id.to_string()),
                causation_id: Some(command_id.to_string()),
                ..Metadata::default()
            },
            fence: None,
        };
        if let Err(error) = executor.execute(&hint, &context).await {
            tracing::debug!({ SAGA_ID } = saga_id, { fields::PROVIDER_KEY } = %key, { fields::ERROR } = &error as &dyn std::error::Error, "a provider's hint was not recorded");
        }
        // Also after an error: the hint is worth an attempt even if it is not in the log.
        engine.wake(saga_id);
    }
}
