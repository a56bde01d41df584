//! Keeps a table's cache true: follows the checkpoint, and throws out what the events up to it touched.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::Handlers;
use event_sourcing::{EventStore, FailureLog, LogReader, Position, StoreError};
use platform::fields;
use read_model_sql::{Checkpoint, TableProjection};
use tokio::sync::watch;
use tokio::time::Instant;

use super::TableCache;

/// The events of one read.
const PAGE: usize = 1_000;
/// Whoever is further behind than this throws everything out, which is cheaper than reading what changed.
const MAX_LAG: u64 = 20_000;
/// The pause after the log could not be read. Meanwhile the cache is silent, because nobody confirms it.
const RETRY: Duration = Duration::from_millis(100);

/// Follows for ever; drop it to stop.
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
                        "the cache cannot follow the log; the database answers"
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
    let (generation, mut position) = cache.followed();
    if !checkpoint.caught_up {
        // Rows that are being built are not answered from, nor are those before them.
        if generation != checkpoint.generation || position > Position::START {
            cache.clear();
            cache.silence(checkpoint);
        }
        return Ok(());
    }
    let is_other_table = generation != checkpoint.generation || position > checkpoint.position;
    let is_far = checkpoint.position.0.saturating_sub(position.0) > MAX_LAG;
    // An empty cache has nothing to throw out, so that a service that nobody asks does not read the log twice.
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
                // It was skipped, or it is the one that the projection stands in front of.
                None => cache.clear(),
            }
        }
        // What lies behind the checkpoint is read again when the checkpoint is there: only then are the rows written.
        let reached = reader.position().min(checkpoint.position);
        if reached <= position {
            break;
        }
        position = reached;
        cache.publish(position, checkpoint);
    }
    cache.publish(position, checkpoint);
    Ok(())
}
