//! Runs futures.

use std::thread_local;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Longer than any timeout of the code under test.
const LIMIT: Duration = Duration::from_hours(1);

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
}

/// The output of `future`. Time passes only while all tasks wait, so no timeout takes real time.
///
/// # Panics
/// The future does not complete within an hour of that time: it hangs.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.with(|runtime| {
        runtime
            .block_on(async { tokio::time::timeout(LIMIT, future).await })
            .expect("it hangs")
    })
}
