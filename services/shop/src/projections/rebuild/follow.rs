//! Waits for a rebuild, with a progress bar.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::sleep;

use super::client::Rebuilds;
use super::model::Rebuild;
use crate::remote::CommandError;

/// The interval of reading the progress.
const INTERVAL: Duration = Duration::from_millis(200);

/// Waits until no service works on the rebuild. A step that fails is an error, and so is a rebuild that disappears.
pub(super) async fn follow(rebuilds: &Rebuilds, first: Rebuild) -> Result<Rebuild, CommandError> {
    // It is drawn only on a terminal.
    let bar = progress_bar();
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

fn progress_bar() -> ProgressBar {
    let template = "  {msg} {bar:40} {pos}/{len} events  {eta} left";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
