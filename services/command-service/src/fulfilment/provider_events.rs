//! What providers say by themselves: that something happened under a key.
//!
//! It is a hint, no word: it may be late, doubled, or made up of an old event. So it only brings the next try of a step
//! that waits forward, and that try asks the provider. A saga that waits for a person goes on waiting.

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

/// How long one hint is tried.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(5);

/// Hears hints until the service stops.
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
            reason: format!("it says that something happened under {key}"),
        };
        let hint = OperatorCommand::<OrderSaga>::hint(saga_id, key.as_str(), by);
        let command_id = context::new_id(&*clock);
        // No request of a client led to it.
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
            tracing::debug!({ SAGA_ID } = saga_id, { fields::PROVIDER_KEY } = %key, { fields::ERROR } = &error as &dyn std::error::Error, "a hint of a provider came to nothing");
        }
        engine.wake(saga_id);
    }
}
