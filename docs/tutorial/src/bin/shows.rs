//! Brings the read model up to date, and lists the shows.

use std::error::Error;
use std::sync::Arc;

use box_office::app::EVENTS;
use box_office::shows::{ShowRow, Shows};
use event_sourcing::SystemClock;
use event_sourcing::projection::{Runner, RunnerConfig};
use event_store_any::{AnyEventStore, Settings};
use read_model_sql::{Database, Row, SqlLeaseStore, SqlProjectionStore, Statement};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let store = AnyEventStore::open_read_only(EVENTS, Settings::default()).await?;
    let database = Database::open("sqlite://data/query.db", 4, Arc::new(SystemClock)).await?;
    let runner = Runner::<Shows>::new(
        store.store(),
        Arc::new(SqlProjectionStore::open(database.clone()).await?),
        Arc::new(SqlLeaseStore::new(database.clone())),
        RunnerConfig::new("shows"),
    );
    let (mut state, stop) = (runner.state(), CancellationToken::new());
    let running = tokio::spawn(runner.run(stop.clone()));

    let head = store.store().head().await?;
    state.wait_for(|state| state.position >= head).await?;
    let list = Statement::new(
        "list the shows",
        "SELECT id, title, free FROM shows ORDER BY id",
    );
    let rows: Vec<Row<ShowRow>> = database.fetch_all(list).await?;
    for Row(show) in rows {
        println!("{}: {}, free seats: {}", show.id, show.title, show.free);
    }

    stop.cancel();
    running.await?;
    database.close().await;
    store.close().await;
    Ok(())
}
