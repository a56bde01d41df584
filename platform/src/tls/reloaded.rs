//! What is built from files, and built again when they change.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use event_sourcing::FailureLog;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::TlsError;
use super::files::Contents;
use crate::fields;

type Build<T> = Box<dyn Fn(&Contents) -> Result<Arc<T>, TlsError> + Send + Sync>;

pub(super) struct Reloaded<T> {
    /// Who uses it, in logs and metrics.
    user: &'static str,
    paths: Vec<PathBuf>,
    build: Build<T>,
    current: Mutex<Current<T>>,
    failures: FailureLog,
}

struct Current<T> {
    contents: Contents,
    built: Arc<T>,
}

impl<T> Reloaded<T> {
    /// Reads the files.
    ///
    /// # Errors
    /// One of them is invalid.
    pub(super) fn open(
        user: &'static str,
        paths: Vec<PathBuf>,
        build: Build<T>,
    ) -> Result<Self, TlsError> {
        let contents = Contents::read(&paths)?;
        let first = build(&contents)?;
        for outcome in [REPLACED, FAILED] {
            counter(user, outcome).increment(0);
        }
        Ok(Self {
            user,
            paths,
            build,
            current: Mutex::new(Current {
                contents,
                built: first,
            }),
            failures: FailureLog::new(),
        })
    }

    pub(super) fn current(&self) -> Arc<T> {
        Arc::clone(&self.current.lock().built)
    }

    /// Reads the files, and builds again if they have changed. If they are invalid, what was built last stays.
    pub(super) fn read_again(&self) {
        match self.changed() {
            Ok(None) => {}
            Ok(Some(new)) => {
                *self.current.lock() = new;
                counter(self.user, REPLACED).increment(1);
                tracing::info!(
                    { fields::TLS_USER } = self.user,
                    "certificates were replaced"
                );
            }
            Err(error) => {
                counter(self.user, FAILED).increment(1);
                if let Some(suppressed) = self.failures.failed(Instant::now()) {
                    tracing::error!(
                        { fields::TLS_USER } = self.user,
                        { fields::ERROR } = %error,
                        { fields::SUPPRESSED } = suppressed,
                        "certificates cannot be read again; the previous ones stay in use"
                    );
                }
                return;
            }
        }
        if self.failures.succeeded(Instant::now()).is_some() {
            tracing::info!(
                { fields::TLS_USER } = self.user,
                "certificates can be read again"
            );
        }
    }

    fn changed(&self) -> Result<Option<Current<T>>, TlsError> {
        let contents = Contents::read(&self.paths)?;
        if contents == self.current.lock().contents {
            return Ok(None);
        }
        let built = (self.build)(&contents)?;
        Ok(Some(Current { contents, built }))
    }
}

const REPLACED: &str = "replaced";
const FAILED: &str = "failed";

fn counter(user: &'static str, outcome: &'static str) -> metrics::Counter {
    metrics::counter!("tls_certificate_reloads_total", "user" => user, "outcome" => outcome)
}

impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloaded")
            .field("user", &self.user)
            .field("paths", &self.paths)
            .finish_non_exhaustive()
    }
}
