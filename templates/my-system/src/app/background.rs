//! What runs in the background until the process stops.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::projection::{Runner, RunnerConfig};
use event_sourcing::{EventStore, LeaseStore};
use idempotency_sql::Requests;
use platform::health::ComponentState;
use platform::{Health, StartError, Tasks, event_log};
use read_model_sql::{Engine, ReadBarrier, SqlLeaseStore, SqlProjectionStore, TableProjection};
use sagas::EngineTasks;

use super::databases::{OpenDatabases, failed};

/// How often the databases are probed.
const PROBE_INTERVAL: Duration = Duration::from_secs(5);
/// How often it is looked whether a projection has caught up.
const CATCH_UP_INTERVAL: Duration = Duration::from_secs(1);
/// How often expired idempotency keys are removed.
const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);
/// How long it takes until another process takes over the projections of a crashed one.
const LEASE: Duration = Duration::from_secs(12);

/// Folds the log into the projection's table while this process holds its lease. Returns what its readers wait at.
pub(super) async fn project<P: TableProjection>(
    opened: &OpenDatabases,
    log: &Arc<dyn EventStore>,
    health: &Health,
    tasks: &Tasks,
) -> Result<ReadBarrier, StartError> {
    let database = &opened.read_model;
    let rows = SqlProjectionStore::<P>::open(database.clone()).await;
    let rows = rows.map_err(failed)?;
    rows.require_head(&**log).await.map_err(failed)?;
    let leases: Arc<dyn LeaseStore> = Arc::new(SqlLeaseStore::new(database.clone()));
    let owner = format!("my-system-{:016x}", rand::random::<u64>());
    let config = RunnerConfig {
        lease: LEASE,
        ..RunnerConfig::new(owner.clone())
    };
    let runner = Runner::<P>::new(Arc::clone(log), Arc::new(rows), Arc::clone(&leases), config);
    if database.engine() == Engine::Sqlite {
        // The files belong to this process, so the holder of the lease is dead, and waiting for expiry would only delay the start.
        let seized = leases.seize_leases(&[runner.lease()], &owner, LEASE).await;
        seized.map_err(failed)?;
    }
    tasks.spawn(P::NAME, runner.run(tasks.stopping()));
    let version = database.version_of::<P>();
    let checkpoint = database.checkpoints().follow(version);
    database
        .checkpoints()
        .refresh(database)
        .await
        .map_err(failed)?;
    let (stopping, followed) = (tasks.stopping(), database.clone());
    tasks.spawn("checkpoints", async move {
        let moving = followed.checkpoints().run(&followed);
        stopping.run_until_cancelled(moving).await;
    });
    health
        .probe(P::NAME, CATCH_UP_INTERVAL, tasks, move || {
            let known = checkpoint.borrow();
            let state = match (&known.parked, known.caught_up) {
                (Some(_), _) => ComponentState::impaired("parked"),
                (None, true) => ComponentState::up("caught up"),
                (None, false) => ComponentState::down("being built"),
            };
            std::future::ready(state)
        })
        .await;
    Ok(ReadBarrier::new(version, database.clone(), Arc::clone(log)))
}

/// Adds the databases to `/health`.
pub(super) async fn probe(opened: &OpenDatabases, health: &Health, tasks: &Tasks) {
    let events = opened.events.clone();
    health
        .probe("event_store", PROBE_INTERVAL, tasks, move || {
            let events = events.clone();
            async move { connected(events.probe_write().await.is_ok()) }
        })
        .await;
    let requests = opened.requests.clone();
    health
        .probe("requests", PROBE_INTERVAL, tasks, move || {
            let requests = requests.clone();
            async move { connected(requests.probe_write().await.is_ok()) }
        })
        .await;
    let measured = (opened.events.clone(), opened.read_model.clone());
    platform::runtime::repeat("metrics of the pools", tasks, move || {
        measured.0.measure_pools();
        measured.1.measure_pools();
    });
}

fn connected(is_connected: bool) -> ComponentState {
    if is_connected {
        ComponentState::up("connected")
    } else {
        ComponentState::down("disconnected")
    }
}

/// Stops the process when its event store is replaced while it runs: its cached states belong to another log then.
pub(super) async fn watch_log(
    tasks: &Tasks,
    store: &Arc<dyn EventStore>,
) -> Result<(), StartError> {
    let head = store.identify(&[]).await.map_err(failed)?.head;
    let (stopping, store) = (tasks.stopping(), Arc::clone(store));
    tasks.spawn("the event store's log", async move {
        let _replaced = stopping
            .run_until_cancelled(event_log::watch(store, head))
            .await;
    });
    Ok(())
}

/// Stops the process if the saga engine ends before it.
pub(super) fn watch_sagas(tasks: &Tasks, sagas: &EngineTasks) {
    let (ended, stopping) = (sagas.ended(), tasks.stopping());
    tasks.spawn("sagas", async move {
        stopping.run_until_cancelled(ended).await;
    });
}

/// Removes expired idempotency keys from time to time.
pub(super) fn clean_up(tasks: &Tasks, requests: Arc<Requests>) {
    let stopping = tasks.stopping();
    tasks.spawn("clean-up of idempotent requests", async move {
        loop {
            if requests.clean_up().await.is_err() {
                tracing::warn!("expired idempotency keys were not removed; the next run retries");
            }
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(CLEAN_UP_INTERVAL) => {}
            }
        }
    });
}
