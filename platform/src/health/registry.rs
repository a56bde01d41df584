//! The named parts of a process: whether they work, and whether the process can serve without them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::failure_log;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fields;
use crate::runtime::Tasks;

/// What a part says before it knows.
const STARTING: &str = "starting";

/// Whether a part works, and the word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentState {
    pub up: bool,
    /// Whether the process can serve. A part that fails for all replicas alike leaves it at that: an orchestrator that
    /// took them all out of service would make it worse.
    pub ready: bool,
    /// Such as `connected`; everybody may see it. What changes all the time follows in brackets.
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
    parts: Mutex<BTreeMap<Cow<'static, str>, ComponentState>>,
    changes: watch::Sender<u64>,
    draining: CancellationToken,
}

/// The right to say how a part is.
#[derive(Clone, Debug)]
pub struct Component {
    name: Cow<'static, str>,
    shared: Arc<Shared>,
    /// What is wrong with it, as the log told it last, and when.
    told: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Health {
    /// A service of this version, without parts. It is ready until `tasks` stop, as far as its parts are.
    #[must_use]
    pub fn new(version: &'static str, tasks: &Tasks) -> Self {
        Self {
            version,
            shared: Arc::new(Shared {
                parts: Mutex::new(BTreeMap::new()),
                changes: watch::Sender::new(0),
                draining: tasks.stopping(),
            }),
        }
    }

    /// Adds a part that is down, as "starting", until its owner says otherwise.
    #[must_use]
    pub fn part(&self, name: impl Into<Cow<'static, str>>) -> Component {
        let part = Component {
            name: name.into(),
            shared: Arc::clone(&self.shared),
            told: Arc::default(),
        };
        part.down(STARTING);
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
        A: Future<Output = ComponentState> + Send,
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
        self.shared.parts.lock().values().all(|state| state.up)
    }

    /// Whether the process can serve: all parts let it, and it is not about to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.shared.parts.lock().values().all(|state| state.ready)
    }

    /// Whether it is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.is_cancelled()
    }

    /// Waits until it is about to end.
    pub async fn draining(&self) {
        self.shared.draining.cancelled().await;
    }

    /// The parts that keep the process from serving, with their words.
    #[must_use]
    pub fn waited_for(&self) -> String {
        let parts = self.shared.parts.lock();
        let waited_for = parts.iter().filter(|(_, state)| !state.ready);
        let words: Vec<_> = waited_for
            .map(|(name, state)| format!("{name} ({})", state.word))
            .collect();
        words.join(", ")
    }

    /// How one part is; `None` if there is no such part.
    #[must_use]
    pub fn state_of(&self, name: &str) -> Option<ComponentState> {
        self.shared.parts.lock().get(name).cloned()
    }

    /// The body of `/health`.
    #[must_use]
    pub fn report(&self) -> Value {
        self.report_as(self.is_up())
    }

    /// The body of `/health/ready`.
    #[must_use]
    pub fn ready_report(&self) -> Value {
        self.report_as(self.is_ready())
    }

    /// The body of `/health/live`.
    #[must_use]
    pub fn live_report(&self) -> Value {
        json!({ "status": "ok", "version": self.version })
    }

    fn report_as(&self, is_well: bool) -> Value {
        let parts = self.shared.parts.lock();
        let services: serde_json::Map<_, _> = parts
            .iter()
            .map(|(name, state)| (name.to_string(), Value::from(state.word.as_ref())))
            .collect();
        json!({
            "status": if is_well { "ok" } else { "unavailable" },
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

impl ComponentState {
    /// The word without what stands in brackets.
    fn kind(&self) -> &str {
        self.word.split(" (").next().unwrap_or_default()
    }

    pub fn up(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: true,
            ready: true,
            word: word.into(),
        }
    }

    /// It does not work, and nobody can be served without it.
    pub fn down(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: false,
            ready: false,
            word: word.into(),
        }
    }

    /// It does not work as it should, and the process serves all the same.
    pub fn impaired(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: false,
            ready: true,
            word: word.into(),
        }
    }
}

impl Component {
    pub fn up(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&ComponentState::up(word));
    }

    /// It does not, and nobody can be served without it.
    pub fn down(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&ComponentState::down(word));
    }

    /// Says how it is; a change is logged.
    pub fn set(&self, state: &ComponentState) {
        let name = self.name.clone();
        let before = self.shared.parts.lock().insert(name, state.clone());
        if before.as_ref() == Some(state) {
            return;
        }
        self.shared.changes.send_modify(|count| *count += 1);
        let was_up = before.as_ref().is_none_or(|before| before.up);
        let is_start = |state: &ComponentState| state.word == STARTING;
        let is_first = is_start(before.as_ref().unwrap_or(state));
        let was_kind = before.as_ref().map(ComponentState::kind);
        // Who was told that it broke is told as well that it works again.
        match (was_up, state.up) {
            (true, false) if !is_start(state) => {
                self.is_news(state);
                tracing::warn!({ fields::PART } = &*self.name, "{}", state.word);
            }
            // One trouble after another is as much news as the first, but not one that comes and goes.
            (false, false)
                if !is_first && was_kind != Some(state.kind()) && self.is_news(state) =>
            {
                tracing::warn!({ fields::PART } = &*self.name, "{}", state.word);
            }
            (false, true) if !is_first => {
                tracing::info!({ fields::PART } = &*self.name, "{} again", state.word);
            }
            _ => tracing::debug!({ fields::PART } = &*self.name, "{}", state.word),
        }
    }
}

impl Component {
    /// Whether the log has not told of this trouble within the last while.
    fn is_news(&self, state: &ComponentState) -> bool {
        let now = Instant::now();
        let mut told = self.told.lock();
        told.retain(|(_, at)| now - *at < failure_log::INTERVAL);
        let is_news = told.iter().all(|(kind, _)| kind != state.kind());
        if is_news {
            told.push((state.kind().to_owned(), now));
        }
        is_news
    }
}

/// The answer, or that there is none in time.
pub async fn within(
    limit: Duration,
    answer: impl Future<Output = ComponentState>,
) -> ComponentState {
    tokio::time::timeout(limit, answer)
        .await
        .unwrap_or_else(|_| ComponentState::down("not answering"))
}

#[cfg(test)]
mod tests {
    use test_log::CapturedLog;
    use tracing::Level;

    use super::{ComponentState, Health};
    use crate::runtime::Tasks;

    #[test]
    fn who_reads_that_a_part_broke_reads_when_it_works_again() {
        let (log, _kept) = CapturedLog::from(Level::INFO);
        let database = Health::new("1.2.3", &Tasks::new()).part("database");
        database.up("connected");
        database.down("disconnected");
        database.down("not answering");
        // A part that goes back and forth has a line for each trouble, and no more.
        database.down("disconnected");
        database.down("not answering");
        database.up("connected");
        assert_eq!(
            log.text(),
            " WARN disconnected health.part=\"database\"\n WARN not answering health.part=\"database\"\n \
             INFO connected again health.part=\"database\"\n"
        );
    }

    #[test]
    fn the_report_names_the_part_that_is_down() {
        let health = Health::new("1.2.3", &Tasks::new());
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

    #[test]
    fn an_impaired_part_is_reported_and_leaves_the_process_ready() {
        let tasks = Tasks::new();
        let health = Health::new("1.2.3", &tasks);
        let database = health.part("database");
        let orders = health.part("projection_orders");
        database.up("connected");
        assert!(!health.is_ready());
        assert_eq!(health.waited_for(), "projection_orders (starting)");
        orders.set(&ComponentState::impaired("parked at 7"));
        assert!(health.is_ready());
        assert!(!health.is_up());
        assert_eq!(health.report()["status"], "unavailable");
        assert_eq!(health.ready_report()["status"], "ok");
        assert_eq!(
            health.report()["services"]["projection_orders"],
            "parked at 7"
        );
        orders.up("following");
        assert!(health.is_up());
        tasks.stop();
        assert!(health.is_up());
        assert!(!health.is_ready());
        assert_eq!(health.ready_report()["status"], "unavailable");
    }
}
