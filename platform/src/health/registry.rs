//! The named parts of a process and whether they work.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fields;
use crate::runtime::Tasks;

/// Whether a part works, and the word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartState {
    /// Whether it works.
    pub up: bool,
    /// Such as `connected`; everybody may see it.
    pub word: Cow<'static, str>,
}

/// The parts of one service. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Health {
    version: &'static str,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    parts: Mutex<BTreeMap<&'static str, PartState>>,
    changes: watch::Sender<u64>,
}

/// The right to say how a part is.
#[derive(Clone, Debug)]
pub struct Part {
    name: &'static str,
    shared: Arc<Shared>,
}

impl Health {
    /// A service of this version, without parts.
    #[must_use]
    pub fn new(version: &'static str) -> Self {
        Self {
            version,
            shared: Arc::new(Shared {
                parts: Mutex::new(BTreeMap::new()),
                changes: watch::Sender::new(0),
            }),
        }
    }

    /// Adds a part that is down, as "starting", until its owner says otherwise.
    #[must_use]
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part {
            name,
            shared: Arc::clone(&self.shared),
        };
        part.down("starting");
        part
    }

    /// Adds a part that is asked every `interval`, each time with `interval` as the limit. The first answer is
    /// there when this returns.
    pub async fn probe<F, A>(
        &self,
        name: &'static str,
        interval: Duration,
        tasks: &Tasks,
        mut ask: F,
    ) where
        F: FnMut() -> A + Send + 'static,
        A: Future<Output = PartState> + Send,
    {
        let part = self.part(name);
        let limit = interval.max(Duration::from_secs(1));
        part.set(&within(limit, ask()).await);
        let stopping = tasks.stopping();
        tasks.spawn("health probe", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(interval) => part.set(&within(limit, ask()).await),
                }
            }
        });
    }

    /// Whether all parts work.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.lock().values().all(|state| state.up)
    }

    /// How one part is; `None` if there is no such part.
    #[must_use]
    pub fn state_of(&self, name: &str) -> Option<PartState> {
        self.shared.lock().get(name).cloned()
    }

    /// The body of `/health`.
    #[must_use]
    pub fn report(&self) -> Value {
        let parts = self.shared.lock();
        let up = parts.values().all(|state| state.up);
        let services: serde_json::Map<_, _> = parts
            .iter()
            .map(|(name, state)| ((*name).to_owned(), Value::from(state.word.as_ref())))
            .collect();
        json!({
            "status": if up { "ok" } else { "unavailable" },
            "version": self.version,
            "services": services,
        })
    }

    /// Tells of every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }
}

impl PartState {
    /// It works.
    pub fn up(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: true,
            word: word.into(),
        }
    }

    /// It does not.
    pub fn down(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: false,
            word: word.into(),
        }
    }
}

impl Part {
    /// It works.
    pub fn up(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&PartState::up(word));
    }

    /// It does not.
    pub fn down(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&PartState::down(word));
    }

    /// Says how it is; a change is logged.
    pub fn set(&self, state: &PartState) {
        let before = self.shared.lock().insert(self.name, state.clone());
        if before.as_ref() == Some(state) {
            return;
        }
        self.shared.changes.send_modify(|count| *count += 1);
        let was_up = before.as_ref().is_none_or(|before| before.up);
        let is_start = |state: &PartState| state.word == "starting";
        let is_first = is_start(before.as_ref().unwrap_or(state));
        // Who was told that it broke is told as well that it works again.
        match (was_up, state.up) {
            (true, false) if !is_start(state) => {
                tracing::warn!({ fields::PART } = self.name, "{}", state.word);
            }
            (false, true) if !is_first => {
                tracing::info!({ fields::PART } = self.name, "{} again", state.word);
            }
            _ => tracing::debug!({ fields::PART } = self.name, "{}", state.word),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, PartState>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn within(limit: Duration, answer: impl Future<Output = PartState>) -> PartState {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| PartState::down("not answering"))
}

#[cfg(test)]
mod tests {
    use std::io::{Result, Write};
    use std::sync::{Arc, Mutex};

    use super::Health;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> Result<usize> {
            self.0.lock().expect("no panic").write(bytes)
        }

        fn flush(&mut self) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_reads_that_a_part_broke_reads_when_it_works_again() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .with_target(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let database = Health::new("1.2.3").part("database");
            database.up("connected");
            database.down("disconnected");
            database.down("not answering");
            database.up("connected");
        });
        let log = kept.0.lock().expect("no panic").clone();
        assert_eq!(
            String::from_utf8(log).expect("text"),
            " WARN disconnected health.part=\"database\"\n INFO connected again health.part=\"database\"\n"
        );
    }

    #[test]
    fn the_report_names_the_part_that_is_down() {
        let health = Health::new("1.2.3");
        let database = health.part("database");
        let grpc = health.part("grpc");
        assert!(!health.is_up());
        database.up("connected");
        grpc.up("serving");
        assert!(health.is_up());
        assert_eq!(
            health.report().to_string(),
            r#"{"services":{"database":"connected","grpc":"serving"},"status":"ok","version":"1.2.3"}"#
        );
        database.down("disconnected");
        assert!(!health.is_up());
        assert_eq!(health.report()["services"]["database"], "disconnected");
        assert_eq!(health.report()["status"], "unavailable");
    }
}
