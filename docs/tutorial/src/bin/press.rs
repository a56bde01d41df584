//! Runs the event handler until it has handled all events so far.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use box_office::app::App;
use box_office::press::Press;
use event_handler_sql::SqlHandlerStore;
use event_sourcing::handler::{HandlerConfig, HandlerParts, HandlerRunner};
use sql_database::{Connections, Database};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = App::open().await?;
    let connections = Connections {
        pool: "handlers",
        application: "box-office",
        size: 2,
        acquire_timeout: Duration::from_secs(5),
    };
    let url = "sqlite://data/handlers.db";
    let database = Database::open_durable("open the progress", url, connections).await?;
    let progress = SqlHandlerStore::open(database.clone(), true).await?;
    let parts = HandlerParts::new(app.store.store(), app.store.leases(), Arc::new(progress));
    let runner = HandlerRunner::new(Press::default(), parts, HandlerConfig::new("press"));
    let (mut state, stop) = (runner.state(), CancellationToken::new());
    let running = tokio::spawn(runner.run(stop.clone()));

    let head = app.store.store().head().await?;
    state.wait_for(|state| state.position >= head).await?;
    println!("handled all events up to position {head}");

    stop.cancel();
    running.await?;
    database.close().await;
    app.close().await;
    Ok(())
}
