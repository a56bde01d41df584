//! Keys that a provider changes while the process runs.
//!
//! A provider publishes a new key before it signs with it, and withdraws one that it no longer trusts. So the keys are read every
//! 5 minutes. A token that names an unknown key reads them at once, but at most every 10 seconds, whatever many such tokens
//! arrive. While the provider does not answer, the known keys stay valid for a day.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::FailureLog;
use parking_lot::RwLock;
use platform::{Tasks, fields};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::fetch::{Fetch, Source};
use super::key_set::{KeySet, VerifyingKey};
use crate::error::{KeyError, TokenError};

const REFRESH_INTERVAL: Duration = Duration::from_mins(5);
/// Between two reads that tokens with unknown keys cause, and between two that failed.
const MIN_INTERVAL: Duration = Duration::from_secs(10);
/// How long keys stay valid that could not be read again: a withdrawn key is accepted for so long.
const MAX_AGE: Duration = Duration::from_hours(24);

#[derive(Debug)]
pub struct ProvidedKeys {
    fetch: Fetch,
    current: RwLock<Option<Current>>,
    /// When the keys were last asked for. Its holder asks for them.
    asked: Mutex<Option<Instant>>,
    failures: FailureLog,
}

#[derive(Debug)]
struct Current {
    keys: Arc<KeySet>,
    read_at: Instant,
}

impl ProvidedKeys {
    /// Follows the keys until `tasks` stop. Waits for the first read, whether it succeeds or not: the provider may start later.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub async fn start(source: Source, tasks: &Tasks) -> Result<Arc<Self>, KeyError> {
        let keys = Arc::new(Self {
            fetch: Fetch::try_new(source)?,
            current: RwLock::default(),
            asked: Mutex::default(),
            failures: FailureLog::new(),
        });
        keys.refresh().await;
        let (following, stopping) = (Arc::clone(&keys), tasks.stopping());
        tasks.spawn("keys of tokens", async move {
            stopping.run_until_cancelled(following.follow()).await;
        });
        Ok(keys)
    }

    /// The key of a token that names this id.
    ///
    /// # Errors
    /// There is none, or the keys could not be read.
    pub async fn find(&self, id: Option<&str>) -> Result<VerifyingKey, TokenError> {
        if let Some(key) = self.keys().and_then(|keys| keys.find(id).cloned()) {
            return Ok(key);
        }
        self.refresh().await;
        let keys = self.keys().ok_or(TokenError::KeysUnavailable)?;
        keys.find(id).cloned().ok_or(TokenError::UnknownKey)
    }

    /// Changes whenever the keys were read.
    #[must_use]
    pub fn read_at(&self) -> Option<Instant> {
        let current = self.current.read();
        let fresh = current.as_ref().filter(|it| it.read_at.elapsed() < MAX_AGE);
        fresh.map(|current| current.read_at)
    }

    /// Whether there are keys that may be used.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.keys().is_some()
    }

    fn keys(&self) -> Option<Arc<KeySet>> {
        let current = self.current.read();
        let fresh = current.as_ref().filter(|it| it.read_at.elapsed() < MAX_AGE);
        fresh.map(|current| Arc::clone(&current.keys))
    }

    async fn follow(&self) {
        loop {
            let last = self.current.read().as_ref().map(|current| current.read_at);
            match last {
                Some(last) => sleep_until(last + REFRESH_INTERVAL).await,
                None => sleep(MIN_INTERVAL).await,
            }
            if !self.refresh().await {
                sleep(MIN_INTERVAL).await;
            }
        }
    }

    /// Asks for the keys, unless they were asked for a moment ago; callers at the same time wait for the same answer.
    /// Returns whether there is a new answer.
    async fn refresh(&self) -> bool {
        let mut asked = self.asked.lock().await;
        if asked.is_some_and(|asked| asked.elapsed() < MIN_INTERVAL) {
            return false;
        }
        let answer = self.fetch.keys().await;
        let now = Instant::now();
        *asked = Some(now);
        match answer {
            Ok(keys) => {
                self.failures
                    .log_recovery(now, "the keys of tokens are read again");
                *self.current.write() = Some(Current {
                    keys: Arc::new(keys),
                    read_at: now,
                });
                metrics::counter!("authentication_key_reads_total", "outcome" => "ok").increment(1);
                true
            }
            Err(error) => {
                metrics::counter!("authentication_key_reads_total", "outcome" => "failed")
                    .increment(1);
                if let Some(suppressed) = self.failures.failed(now) {
                    tracing::warn!(
                        { fields::ERROR } = %error,
                        { fields::SUPPRESSED } = suppressed,
                        "the keys of tokens could not be read"
                    );
                }
                false
            }
        }
    }
}
