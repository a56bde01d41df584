//! Health and readiness of the read side. It is ready once each projection has caught up, while its database answers.
//!
//! Later a projection may lag, park or fail. `/health` reports it, but the service stays ready: its rows are still
//! correct for the position that they carry, and the other replicas have the same fault.

mod projection;

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::EventStore;
use event_sourcing::projection::RunnerState;
use platform::Tasks;
use platform::health::{Component, ComponentState, Health};
use read_model_sql::{Checkpoint, Database};
use tokio::sync::watch;
use tokio::time::Instant;

use self::projection::{Observation, ProbeStatus};
use crate::config::LagLimits;
use crate::projection_status;

/// The interval of the probes.
const INTERVAL: Duration = Duration::from_secs(5);
/// The interval while a projection's rows are not at the head of the log.
const BUSY_INTERVAL: Duration = Duration::from_secs(1);
/// The interval until the service is ready for the first time.
const STARTING_INTERVAL: Duration = Duration::from_millis(50);
/// Time limit of reading the log's head.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// Adds the health components, with the results of their first probes.
pub(crate) async fn start(
    health: &Health,
    tasks: &Tasks,
    log: &Arc<dyn EventStore>,
    database: &Database,
    projections: &[projection_status::ProjectionHandle],
    limits: LagLimits,
) {
    let asked = database.clone();
    let version = projections
        .first()
        .map(projection_status::ProjectionHandle::version);
    health
        .probe("database", INTERVAL, tasks, move || {
            let database = asked.clone();
            async move {
                let asked = async {
                    let feed = database.checkpoints();
                    match version {
                        // One statement reads all checkpoints, so the age of any of them is enough.
                        Some(any) => feed.refresh_if_older(&database, any, INTERVAL).await,
                        None => feed.refresh(&database).await,
                    }
                };
                connected(asked.await.is_ok(), ComponentState::down)
            }
        })
        .await;
    // The cache only answers while the checkpoints that it follows are continually confirmed.
    let checkpoints = projections
        .iter()
        .map(projection_status::ProjectionHandle::checkpoint);
    let checkpoints: Vec<_> = checkpoints.collect();
    health
        .probe("cache", INTERVAL, tasks, move || {
            let is_followed = checkpoints
                .iter()
                .all(|checkpoint| checkpoint.borrow().is_fresh(2 * INTERVAL));
            async move { connected(is_followed, ComponentState::impaired) }
        })
        .await;
    let all = Projections {
        log: Arc::clone(log),
        event_store: health.component("event_store"),
        limits,
        followed: projections
            .iter()
            .map(|projection| ProbedProjection::new(projection, health))
            .collect(),
    };
    all.start(tasks).await;
}

fn connected(is_connected: bool, otherwise: fn(&'static str) -> ComponentState) -> ComponentState {
    if is_connected {
        ComponentState::up("connected")
    } else {
        otherwise("disconnected")
    }
}

/// A projection with what the probes have observed.
struct ProbedProjection {
    projection: &'static str,
    part: Component,
    checkpoint: watch::Receiver<Checkpoint>,
    runner: watch::Receiver<RunnerState>,
    standing: ProbeStatus,
}

impl ProbedProjection {
    fn new(followed: &projection_status::ProjectionHandle, health: &Health) -> Self {
        let projection = followed.version().name;
        Self {
            projection,
            part: health.component(format!("projection_{projection}")),
            checkpoint: followed.checkpoint(),
            runner: followed.runner(),
            standing: ProbeStatus::default(),
        }
    }

    /// Measured here and not where events are folded: a projection that no process folds lags as well.
    #[expect(clippy::cast_precision_loss, reason = "gauges")]
    fn measure(&self, seen: &Observation<'_>) {
        let projection = self.projection;
        let position = seen.checkpoint.position.0;
        let is_parked = u8::from(seen.checkpoint.parked.is_some());
        let is_paused = u8::from(seen.checkpoint.is_paused);
        // Unknown without the log's head.
        let (events, seconds) = seen.head.map_or((f64::NAN, f64::NAN), |head| {
            let events = head.0.saturating_sub(position) as f64;
            (events, self.standing.lag(seen.at).as_secs_f64())
        });
        metrics::gauge!("projection_parked", "projection" => projection).set(is_parked);
        metrics::gauge!("projection_paused", "projection" => projection).set(is_paused);
        metrics::gauge!("projection_position", "projection" => projection).set(position as f64);
        metrics::gauge!("projection_lag_events", "projection" => projection).set(events);
        metrics::gauge!("projection_lag_seconds", "projection" => projection).set(seconds);
    }
}

struct Projections {
    log: Arc<dyn EventStore>,
    /// Whether the log can be read.
    event_store: Component,
    limits: LagLimits,
    followed: Vec<ProbedProjection>,
}

impl Projections {
    async fn start(mut self, tasks: &Tasks) {
        let mut pause = self.look().await;
        let stopping = tasks.stopping();
        tasks.spawn("health of the projections", async move {
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = tokio::time::sleep(pause) => pause = self.look().await,
                }
            }
        });
    }

    /// Publishes the state of each projection, and returns the delay until the next probe.
    async fn look(&mut self) -> Duration {
        let head = tokio::time::timeout(LOG_TIMEOUT, self.log.head()).await;
        let head = head.ok().and_then(Result::ok);
        if let Some(head) = head {
            #[expect(clippy::cast_precision_loss, reason = "a gauge takes a float")]
            metrics::gauge!("event_store_head_position").set(head.0 as f64);
        }
        let event_store = connected(head.is_some(), ComponentState::impaired);
        self.event_store.set(&event_store);
        for followed in &mut self.followed {
            let checkpoint = followed.checkpoint.borrow().clone();
            let seen = Observation {
                checkpoint: &checkpoint,
                runner: &followed.runner.borrow().clone(),
                head,
                at: Instant::now(),
            };
            let state = followed.standing.status(&seen, self.limits);
            followed.part.set(&state);
            followed.measure(&seen);
        }
        let mut statuses = self.followed.iter().map(|it| &it.standing);
        if !statuses.clone().all(ProbeStatus::has_caught_up) {
            STARTING_INTERVAL
        } else if statuses.any(ProbeStatus::is_waiting) {
            BUSY_INTERVAL
        } else {
            INTERVAL
        }
    }
}
