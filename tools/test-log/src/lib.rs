//! What is logged on a test's thread, while other tests of the process log on theirs.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::{DefaultGuard, set_default, set_global_default};
use tracing::{Level, Subscriber};

/// Gives the subscriber what is logged on this thread until the guard is dropped.
///
/// `tracing` remembers for each line of code whether anybody listens to it, and while a process has one subscriber it
/// asks only the thread that comes there first. A test without a subscriber would silence the line for all. The
/// process therefore gets a second one, which hears everything and keeps nothing.
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
pub struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl KeptLog {
    /// Keeps what is at least as grave as the level, until the guard is dropped.
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

    /// All of it.
    ///
    /// # Panics
    /// A thread panicked while it logged.
    #[must_use]
    pub fn text(&self) -> String {
        let log = self.0.lock().expect("no panic").clone();
        String::from_utf8(log).expect("text")
    }
}

impl Write for KeptLog {
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

    use super::KeptLog;

    fn say_something() {
        tracing::info!("something");
    }

    #[test]
    fn a_line_is_heard_although_a_thread_that_listens_to_nothing_came_there_first() {
        let (log, _kept) = KeptLog::from(Level::INFO);
        std::thread::spawn(say_something).join().expect("no panic");
        assert_eq!(log.text(), "");
        say_something();
        assert_eq!(log.text(), " INFO something\n");
    }
}
