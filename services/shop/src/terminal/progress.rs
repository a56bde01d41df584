//! Progress of long commands, on standard error and only if that is a terminal.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

const REDRAW_INTERVAL: Duration = Duration::from_millis(200);

/// A bar over `length` units of `what`.
pub fn bar(what: &'static str, length: u64) -> ProgressBar {
    let template = "  {msg} {bar:40} {pos}/{len}  {per_sec}  {eta} left";
    styled(template, length, what)
}

/// Waits for `work`, and shows meanwhile how much of `file` it has written. `expected` is its size in the end, as far as it is
/// known.
pub async fn while_growing<T>(
    what: &'static str,
    file: &Path,
    expected: Option<u64>,
    work: impl Future<Output = T>,
) -> T {
    let template = match expected {
        Some(_) => "  {msg} {bar:40} {bytes}/{total_bytes}  {elapsed}",
        None => "  {msg} {bytes}  {elapsed}",
    };
    let bar = styled(template, expected.unwrap_or_default(), what);
    let size = || file.metadata().map_or(0, |file| file.len());
    redrawn(&bar, size, work).await
}

/// Waits for `work`, which does not tell how far it is, and shows for how long it runs.
pub async fn while_running<T>(what: &'static str, work: impl Future<Output = T>) -> T {
    let bar = styled("  {msg}  {elapsed}", 0, what);
    redrawn(&bar, || 0, work).await
}

async fn redrawn<T>(
    bar: &ProgressBar,
    position: impl Fn() -> u64,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    let done = loop {
        match tokio::time::timeout(REDRAW_INTERVAL, &mut work).await {
            Ok(done) => break done,
            Err(_) => bar.set_position(position()),
        }
    };
    bar.finish_and_clear();
    done
}

fn styled(template: &str, length: u64, what: &'static str) -> ProgressBar {
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length)
        .with_style(style)
        .with_message(what)
}
