//! What `/health` says of the read side's parts.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{EventStore, Projection};
use platform::Tasks;
use platform::health::{Health, PartState};
use read_model_sql::Database;

use crate::projections::{Categories, Orders, Products, Sagas};

/// How often the parts are asked.
const INTERVAL: Duration = Duration::from_secs(5);

/// Adds the parts, with their first answers.
pub(crate) async fn start(
    health: &Health,
    tasks: &Tasks,
    log: &Arc<dyn EventStore>,
    database: &Database,
) {
    let log = Arc::clone(log);
    health
        .probe("event_store", INTERVAL, tasks, move || {
            let log = Arc::clone(&log);
            async move { connected(log.head().await.is_ok()) }
        })
        .await;
    let asked = database.clone();
    health
        .probe("database", INTERVAL, tasks, move || {
            let database = asked.clone();
            async move {
                let (busy, most) = database.connections();
                let gauge = |state| {
                    metrics::gauge!("db_pool_connections", "pool" => "query", "state" => state)
                };
                gauge("busy").set(busy);
                gauge("max").set(most);
                connected(database.feed().refresh(&database).await.is_ok())
            }
        })
        .await;
    // The cache answers only while the checkpoints that it follows are confirmed all the time.
    let followed = [Categories::NAME, Products::NAME, Orders::NAME, Sagas::NAME]
        .map(|name| database.feed().follow(name));
    health
        .probe("cache", INTERVAL, tasks, move || {
            let is_followed = followed
                .iter()
                .all(|checkpoint| checkpoint.borrow().is_fresh(INTERVAL));
            async move { connected(is_followed) }
        })
        .await;
    projection::<Categories>("projection_categories", health, tasks, database).await;
    projection::<Products>("projection_products", health, tasks, database).await;
    projection::<Orders>("projection_orders", health, tasks, database).await;
    projection::<Sagas>("projection_sagas", health, tasks, database).await;
}

fn connected(is_connected: bool) -> PartState {
    if is_connected {
        PartState::up("connected")
    } else {
        PartState::down("disconnected")
    }
}

/// A projection that stands still is told, but it does not take the service down: everything that it has folded is
/// still right to read, and the other projections go on.
async fn projection<P: Projection>(
    name: &'static str,
    health: &Health,
    tasks: &Tasks,
    database: &Database,
) {
    let checkpoint = database.feed().follow(P::NAME);
    health
        .probe(name, INTERVAL, tasks, move || {
            let parked = checkpoint.borrow().parked.clone();
            let is_parked = if parked.is_some() { 1.0 } else { 0.0 };
            metrics::gauge!("projection_parked", "projection" => P::NAME).set(is_parked);
            let state = match parked {
                Some(parked) => PartState::up(format!("parked at {}", parked.position)),
                None => PartState::up("following"),
            };
            async move { state }
        })
        .await;
}
