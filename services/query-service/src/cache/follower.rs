//! Keeps a table's cache consistent: follows the checkpoint and invalidates the rows that the events up to it changed.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::Handlers;
use event_sourcing::{EventStore, FailureLog, LogReader, Position, StoreError};
use platform::fields;
use read_model_sql::{Checkpoint, TableProjection};
use tokio::sync::watch;
use tokio::time::Instant;

use super::TableCache;

/// Events per page.
const PAGE: usize = 1_000;
/// Beyond this lag the whole cache is cleared, which is cheaper than reading the events.
const MAX_LAG: u64 = 20_000;
/// The delay after a failed read of the log. Meanwhile the cache answers nothing, because nothing confirms it.
const RETRY: Duration = Duration::from_millis(100);

/// Follows the log until the future is dropped.
pub async fn follow<P: TableProjection>(
    log: Arc<dyn EventStore>,
    mut checkpoints: watch::Receiver<Checkpoint>,
    cache: &TableCache<P::Row>,
) {
    let handlers = Handlers::<P>::of_projection();
    let failures = FailureLog::new();
    loop {
        let checkpoint = checkpoints.borrow_and_update().clone();
        match catch_up(&handlers, &log, cache, &checkpoint).await {
            Ok(()) => {
                let what = format_args!("the cache of {} follows the log again", P::NAME);
                failures.log_recovery(Instant::now(), what);
            }
            Err(error) => {
                if let Some(suppressed) = failures.failed(Instant::now()) {
                    tracing::warn!(
                        { fields::PROJECTION } = P::NAME,
                        { fields::ERROR } = &error as &dyn std::error::Error,
                        { fields::SUPPRESSED } = suppressed,
                        "the cache cannot follow the log; reads use the database"
                    );
                }
                tokio::time::sleep(RETRY).await;
                continue;
            }
        }
        if checkpoints.changed().await.is_err() {
            return;
        }
    }
}

async fn catch_up<P: TableProjection>(
    handlers: &Handlers<P>,
    log: &Arc<dyn EventStore>,
    cache: &TableCache<P::Row>,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let (generation, mut position) = cache.follower_position();
    if !checkpoint.caught_up {
        // A table under construction is not read, and rows of the previous generation must not be served either.
        if generation != checkpoint.generation || position > Position::START {
            cache.clear();
            cache.disable(checkpoint);
        }
        return Ok(());
    }
    let is_other_table = generation != checkpoint.generation || position > checkpoint.position;
    let is_far = checkpoint.position.0.saturating_sub(position.0) > MAX_LAG;
    // An empty cache has nothing to invalidate, so a replica without requests does not read the log a second time.
    let is_idle = position < checkpoint.position && cache.rows.is_empty();
    if is_other_table || is_far || is_idle {
        cache.clear();
        cache.publish(checkpoint.position, checkpoint);
        return Ok(());
    }
    let mut reader = LogReader::new(Arc::clone(log), handlers.filter(), PAGE, position);
    while position < checkpoint.position {
        let page = reader.page().await?;
        for entry in &page.entries {
            let decoded = entry.event().and_then(|event| handlers.decode(event).ok());
            match decoded {
                Some(decoded) => cache.invalidate(&decoded.into_keys()),
                // Undecodable: an operator skipped it, or the projection is parked at it. Which rows it concerns is
                // unknown.
                None => cache.clear(),
            }
        }
        // Events after the checkpoint are processed again when the checkpoint reaches them: their rows are not
        // written yet, so invalidating now would not prevent a load of the old row.
        let reached = reader.position().min(checkpoint.position);
        if reached <= position {
            break;
        }
        position = reached;
        // After the invalidations: a reader that sees this position must not find an older row.
        cache.publish(position, checkpoint);
    }
    cache.publish(position, checkpoint);
    Ok(())
}
