//! The named components of a process: whether they are up, and whether the process can serve requests without them.

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

/// The status of a component before its first report.
const STARTING: &str = "starting";

/// Whether a component is up, with its status text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentState {
    pub up: bool,
    /// Whether the process can serve requests. A fault that all replicas share must leave this true: an orchestrator
    /// would otherwise remove all of them.
    pub ready: bool,
    /// Such as `connected`. It is public. Values that change continually follow in parentheses.
    pub status: Cow<'static, str>,
}

/// The components of one service. Cheap to clone; clones share their state.
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

/// A handle that reports the state of one component.
#[derive(Clone, Debug)]
pub struct Component {
    name: Cow<'static, str>,
    shared: Arc<Shared>,
    /// The faults that were logged recently, and when.
    logged_faults: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Health {
    /// A service of this version, without components. It is ready while all its components are, until the stop
    /// of `tasks` is announced.
    #[must_use]
    pub fn new(version: &'static str, tasks: &Tasks) -> Self {
        Self {
            version,
            shared: Arc::new(Shared {
                parts: Mutex::new(BTreeMap::new()),
                changes: watch::Sender::new(0),
                draining: tasks.draining(),
            }),
        }
    }

    /// Adds a component that is down with the status "starting" until its owner reports a state.
    #[must_use]
    pub fn component(&self, name: impl Into<Cow<'static, str>>) -> Component {
        let part = Component {
            name: name.into(),
            shared: Arc::clone(&self.shared),
            logged_faults: Arc::default(),
        };
        part.down(STARTING);
        part
    }

    /// Adds a component that is probed every `interval`, with `interval` as the timeout. The first probe is complete
    /// when this returns.
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
        let part = self.component(name);
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

    /// Whether all components are up.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.shared.parts.lock().values().all(|state| state.up)
    }

    /// Whether the process can serve requests: all components allow it, and the process is not stopping.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.shared.parts.lock().values().all(|state| state.ready)
    }

    /// Whether the process is stopping.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.shared.draining.is_cancelled()
    }

    /// Waits until the process is stopping.
    pub async fn draining(&self) {
        self.shared.draining.cancelled().await;
    }

    /// The components that are not ready, with their statuses.
    #[must_use]
    pub fn waited_for(&self) -> String {
        let parts = self.shared.parts.lock();
        let waited_for = parts.iter().filter(|(_, state)| !state.ready);
        let statuses: Vec<_> = waited_for
            .map(|(name, state)| format!("{name} ({})", state.status))
            .collect();
        statuses.join(", ")
    }

    /// The state of one component; `None` if the name is unknown.
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
            .map(|(name, state)| (name.to_string(), Value::from(state.status.as_ref())))
            .collect();
        json!({
            "status": if is_well { "ok" } else { "unavailable" },
            "version": self.version,
            "services": services,
        })
    }

    /// Notifies of every change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }
}

impl ComponentState {
    /// The status text without the part in parentheses.
    fn kind(&self) -> &str {
        self.status.split(" (").next().unwrap_or_default()
    }

    pub fn up(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: true,
            ready: true,
            status: word.into(),
        }
    }

    /// Down, and the process cannot serve requests without it.
    pub fn down(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: false,
            ready: false,
            status: word.into(),
        }
    }

    /// Not fully up, but the process can still serve requests.
    pub fn impaired(word: impl Into<Cow<'static, str>>) -> Self {
        Self {
            up: false,
            ready: true,
            status: word.into(),
        }
    }
}

impl Component {
    pub fn up(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&ComponentState::up(word));
    }

    /// Down, and the process cannot serve requests without it.
    pub fn down(&self, word: impl Into<Cow<'static, str>>) {
        self.set(&ComponentState::down(word));
    }

    /// Reports the state; a change is logged.
    pub fn set(&self, state: &ComponentState) {
        let name = self.name.clone();
        // The state is stored before watchers are notified, so that they read the new one.
        let before = self.shared.parts.lock().insert(name, state.clone());
        if before.as_ref() == Some(state) {
            return;
        }
        self.shared.changes.send_modify(|count| *count += 1);
        let was_up = before.as_ref().is_none_or(|before| before.up);
        let is_start = |state: &ComponentState| state.status == STARTING;
        let is_first = is_start(before.as_ref().unwrap_or(state));
        let was_kind = before.as_ref().map(ComponentState::kind);
        // A logged fault is always followed by a logged recovery.
        match (was_up, state.up) {
            (true, false) if !is_start(state) => {
                self.is_new(state);
                tracing::warn!({ fields::COMPONENT } = &*self.name, "{}", state.status);
            }
            // A different fault is logged too, but not one that alternates with others.
            (false, false) if !is_first && was_kind != Some(state.kind()) && self.is_new(state) => {
                tracing::warn!({ fields::COMPONENT } = &*self.name, "{}", state.status);
            }
            (false, true) if !is_first => {
                tracing::info!(
                    { fields::COMPONENT } = &*self.name,
                    "{} again",
                    state.status
                );
            }
            _ => tracing::debug!({ fields::COMPONENT } = &*self.name, "{}", state.status),
        }
    }
}

impl Component {
    /// Whether this fault was not logged within the last interval.
    fn is_new(&self, state: &ComponentState) -> bool {
        let now = Instant::now();
        let mut logged = self.logged_faults.lock();
        logged.retain(|(_, at)| now - *at < failure_log::INTERVAL);
        let is_new = logged.iter().all(|(kind, _)| kind != state.kind());
        if is_new {
            logged.push((state.kind().to_owned(), now));
        }
        is_new
    }
}

/// The result, or "not answering" after `limit`.
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
    fn a_logged_fault_is_followed_by_a_logged_recovery() {
        let (log, _kept) = CapturedLog::from(Level::INFO);
        let database = Health::new("1.2.3", &Tasks::new()).component("database");
        database.up("connected");
        database.down("disconnected");
        database.down("not answering");
        // Alternating faults are logged once each.
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
    fn the_report_names_the_component_that_is_down() {
        let health = Health::new("1.2.3", &Tasks::new());
        let database = health.component("database");
        let grpc = health.component("grpc");
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
    fn an_impaired_component_is_reported_and_leaves_the_process_ready() {
        let tasks = Tasks::new();
        let health = Health::new("1.2.3", &tasks);
        let database = health.component("database");
        let orders = health.component("projection_orders");
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
        tasks.announce_stop();
        assert!(!tasks.stopping().is_cancelled());
        assert!(health.is_up());
        assert!(!health.is_ready());
        assert_eq!(health.ready_report()["status"], "unavailable");
    }
}
