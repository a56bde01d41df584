//! Waits for a rebuild, with a progress bar.

use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;

use super::client::Rebuilds;
use super::model::Rebuild;
use crate::remote::CommandError;
use crate::terminal::bar;

/// The interval of reading the progress.
const INTERVAL: Duration = Duration::from_millis(200);

/// Waits until no service works on the rebuild. A step that fails is an error, and so is a rebuild that disappears.
pub(super) async fn follow(rebuilds: &Rebuilds, first: Rebuild) -> Result<Rebuild, CommandError> {
    let bar = bar("events", 0);
    let mut now = first;
    while now.is_running() {
        show(&bar, &now);
        sleep(INTERVAL).await;
        now = rebuilds.show().await?;
    }
    bar.finish_and_clear();
    match &now.failure {
        None => Ok(now),
        Some(failure) => Err(CommandError::Rejected {
            message: failure.clone(),
            error_type: "FAILED".to_owned(),
        }),
    }
}

fn show(bar: &ProgressBar, now: &Rebuild) {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    bar.set_length(unsigned(now.head));
    bar.set_position(unsigned(now.position.unwrap_or(0)));
    bar.set_message(now.state);
}
