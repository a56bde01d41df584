//! Captures the log of a test's thread, while other tests of the process log on theirs.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Level, Subscriber};

/// Sends the log of this thread to the subscriber until the guard is dropped.
///
/// `tracing` caches for each call site whether a subscriber is interested. While a process has only one subscriber, the
/// first thread that reaches the call site decides for all, and a test without a subscriber would disable it. So the
/// process gets a second, global subscriber that is interested in everything and stores nothing.
///
/// # Panics
/// The process has another global subscriber.
pub fn listen(subscriber: impl Subscriber + Send + Sync + 'static) -> DefaultGuard {
    static BACKGROUND: Once = Once::new();
    BACKGROUND.call_once(|| {
        set_global_default(tracing_subscriber::registry()).expect("no other global subscriber");
    });
    set_default(subscriber)
}

/// The log as text: level, message and fields of a line.
#[derive(Clone, Debug, Default)]
pub struct CapturedLog(Arc<Mutex<Vec<u8>>>);

impl CapturedLog {
    /// Captures events of this level and above until the guard is dropped.
    #[must_use]
    pub fn from(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        let guard = listen(subscriber);
        (log, guard)
    }

    /// The captured text.
    ///
    /// # Panics
    /// A thread panicked while it logged.
    #[must_use]
    pub fn text(&self) -> String {
        let log = self.0.lock().expect("no panic").clone();
        String::from_utf8(log).expect("text")
    }
}

impl Write for CapturedLog {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::CapturedLog;

    fn log_a_line() {
        tracing::info!("something");
    }

    #[test]
    fn a_line_is_captured_after_a_thread_without_a_subscriber_logged_it() {
        let (log, _guard) = CapturedLog::from(Level::INFO);
        std::thread::spawn(log_a_line).join().expect("no panic");
        assert_eq!(log.text(), "");
        log_a_line();
        assert_eq!(log.text(), " INFO something\n");
    }
}
