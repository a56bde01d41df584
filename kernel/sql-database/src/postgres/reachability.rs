//! Whether new connections to a server can be opened, so that callers need not wait for one that cannot.
//!
//! The driver retries a refused connection until its timeout, and waits as long for a server that is silent. So during an
//! outage each caller would wait for its whole timeout. Here only the first ones wait, until an attempt of its own shows
//! that the server cannot be reached; later ones fail at once, until such an attempt succeeds:
//!
//! ```text
//!              opening fails or is slow               fails
//!   reachable ─────────────────────────► attempt ─────────────► unreachable
//!       ▲                                 │   ▲                      │
//!       └─────────── succeeds ────────────┘   └──── after 100 ms ────┘
//! ```
//!
//! Only an attempt to open a connection decides, and not how long others wait: they may wait because all connections are
//! in use.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How long opening a connection takes before the server is checked, and what a caller waits at most for a server that is
/// known to be unreachable.
pub(crate) const SLOW: Duration = Duration::from_millis(100);
/// How long an attempt may take before the server counts as unreachable.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// The pause between attempts while the server cannot be reached.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);
/// The pause after an attempt that succeeded: callers that wait for another reason must not cause an attempt each.
const CHECK_PAUSE: Duration = Duration::from_secs(1);

/// The server could not be reached a moment ago, so that nothing was sent.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the server cannot be reached")]
pub struct Unreachable(#[source] Arc<sqlx::Error>);

impl From<Unreachable> for sqlx::Error {
    fn from(error: Unreachable) -> Self {
        Self::Configuration(Box::new(error))
    }
}

/// Whether a server can be reached.
pub(crate) struct Reachability {
    options: Arc<PgConnectOptions>,
    /// Why not, if it cannot be reached.
    unreachable: watch::Sender<Option<Unreachable>>,
    checking: Mutex<Option<JoinHandle<()>>>,
}

impl Reachability {
    pub(crate) fn new(options: &PgConnectOptions) -> Self {
        Self {
            options: Arc::new(options.clone().disable_statement_logging()),
            unreachable: watch::Sender::new(None),
            checking: Mutex::new(None),
        }
    }

    /// Why the server cannot be reached; `None` if nothing is known against it.
    pub(crate) fn unreachable(&self) -> Option<Unreachable> {
        self.unreachable.borrow().clone()
    }

    /// Waits for a connection to be opened, until the server is found to be unreachable.
    pub(crate) async fn while_reachable<T>(
        &self,
        mut opening: Pin<&mut impl Future<Output = Result<T, sqlx::Error>>>,
    ) -> Result<T, sqlx::Error> {
        if let Ok(opened) = timeout(SLOW, &mut opening).await {
            if !matches!(opened, Ok(_) | Err(sqlx::Error::PoolClosed)) {
                self.check();
            }
            return opened;
        }
        self.check();
        let mut unreachable = self.unreachable.subscribe();
        tokio::select! {
            opened = opening => opened,
            found = unreachable.wait_for(Option::is_some) => {
                let found = found.ok().and_then(|found| found.clone());
                Err(found.map_or(sqlx::Error::PoolClosed, sqlx::Error::from))
            }
        }
    }

    /// A connection was opened.
    pub(crate) fn reached(&self) {
        // An attempt that started earlier must not say otherwise.
        self.close();
        self.unreachable.send_replace(None);
    }

    /// Ends the attempts.
    pub(crate) fn close(&self) {
        if let Some(checking) = self.checking.lock().take() {
            checking.abort();
        }
    }

    /// Starts attempts, unless there are some or the last one has just succeeded.
    fn check(&self) {
        let mut checking = self.checking.lock();
        if checking.as_ref().is_none_or(JoinHandle::is_finished) {
            let attempts =
                attempt_until_reached(Arc::clone(&self.options), self.unreachable.clone());
            *checking = Some(tokio::spawn(attempts));
        }
    }
}

impl Drop for Reachability {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Reachability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The options are omitted, because they contain the password.
        f.debug_struct("Reachability")
            .field("unreachable", &*self.unreachable.borrow())
            .finish_non_exhaustive()
    }
}

async fn attempt_until_reached(
    options: Arc<PgConnectOptions>,
    unreachable: watch::Sender<Option<Unreachable>>,
) {
    while let Err(error) = attempt(&options).await {
        unreachable.send_replace(Some(Unreachable(Arc::new(error))));
        sleep(ATTEMPT_PAUSE).await;
    }
    unreachable.send_replace(None);
    sleep(CHECK_PAUSE).await;
}

/// Opens a connection and closes it.
async fn attempt(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let opened = timeout(ATTEMPT_TIMEOUT, PgConnection::connect_with(options)).await;
    match opened {
        Ok(Ok(connection)) => {
            // If this fails, the server ends the session by itself.
            let _ = timeout(ATTEMPT_TIMEOUT, connection.close()).await;
            Ok(())
        }
        // It answered, and callers get its answer: it rejects the password, or has no connection left.
        Ok(Err(sqlx::Error::Database(error))) if !is_down(error.code().as_deref()) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

/// Whether a server that answers with this SQLSTATE does not serve: it starts, stops, or has crashed, or a pooler has no
/// connection to it.
fn is_down(state: Option<&str>) -> bool {
    state.is_some_and(|state| state.starts_with("08") || state.starts_with("57P0"))
}
