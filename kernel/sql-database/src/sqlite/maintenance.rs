//! Limits the size of the write-ahead log of an open file.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::shared::Shared;
use super::wal::{AUTO_CHECKPOINT, NO_AUTO_CHECKPOINT, is_too_long, step};
use crate::fields;

/// Interval of the checks.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the log until the last handle of the file is dropped.
pub(super) async fn limit_log_size(file: Weak<Shared>) {
    let mut is_writer_folding = true;
    loop {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let Some(file) = file.upgrade() else {
            return;
        };
        if is_writer_folding && !is_too_long(file.path()) {
            continue;
        }
        match shorten(&file).await {
            Ok(is_short) => is_writer_folding = is_short,
            // Retried at the next check: the disk may recover, and a closed file ends the loop with its last handle.
            Err(error) => {
                tracing::debug!({ fields::ERROR } = %error, "the write-ahead log was not shortened");
            }
        }
    }
}

/// Makes one attempt, and returns whether the log is short.
async fn shorten(file: &Arc<Shared>) -> Result<bool, sqlx::Error> {
    if is_too_long(file.path()) {
        // Otherwise a commit of the writer would checkpoint the long log by itself. Set each time, because the
        // connection may be a new one.
        set_auto_checkpoint(file, NO_AUTO_CHECKPOINT).await?;
        let mut session = file.within(file.checkpointing()?).await?;
        let folded = step(session.connection()).await;
        session.finish(folded).await?;
    }
    let is_short = !is_too_long(file.path());
    if is_short {
        set_auto_checkpoint(file, AUTO_CHECKPOINT).await?;
    }
    Ok(is_short)
}

async fn set_auto_checkpoint(file: &Arc<Shared>, pragma: &'static str) -> Result<(), sqlx::Error> {
    let mut session = file.within(file.writing()?).await?;
    let set = sqlx::query(pragma).execute(session.connection()).await;
    session.finish(set).await.map(|_| ())
}
