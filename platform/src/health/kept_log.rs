//! What is logged on a test's thread.

use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

/// Keeps what is written.
#[derive(Clone, Default)]
pub(super) struct KeptLog(Arc<Mutex<Vec<u8>>>);

impl KeptLog {
    /// Keeps the log of this thread until the guard is dropped.
    pub(super) fn keep(&self) -> DefaultGuard {
        let writer = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(super) fn text(&self) -> String {
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
