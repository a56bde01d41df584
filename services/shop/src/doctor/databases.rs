//! Checks the three databases, and whether this program can use them.

use command_database::CommandDatabase;
use event_sourcing::{Position, StoreError};
use event_store_any::{AnyEventStore, RestoreMarker, Settings as StoreSettings};
use platform::config::{DatabaseUrl, Engine, Reader, names};
use platform::{Settings, StartError};

use super::check::{Check, Checks};
use super::servers::Needs;
use super::{files, servers};
use crate::config::AllDatabases;

const MIGRATE: &str =
    "run shop migrate, or use the program that wrote it; a start migrates unless MIGRATE is off";

/// Checks the databases. Returns their URLs as well, if they are valid.
pub async fn check(settings: &Settings) -> (Vec<Check>, Option<AllDatabases>) {
    let mut checks = Checks::of("databases");
    let Ok(databases) = settings.read(AllDatabases::read) else {
        checks.unknown("databases", "their settings are invalid");
        return (checks.into_all(), None);
    };
    let pool = settings.read(|reader: &mut Reader| reader.get(&names::POOL_SIZE));
    let pool = i64::from(pool.unwrap_or(8));
    let events = Needs {
        name: "event store",
        durable: true,
        has_log: true,
        connections: 2 * (pool + 2),
    };
    let mut opened = None;
    if reach(&mut checks, events, &databases.event_store).await {
        restored(&mut checks, databases.event_store.as_str()).await;
        opened = log(&mut checks, databases.event_store.as_str()).await;
    }
    let command = Needs {
        name: "command database",
        durable: true,
        has_log: false,
        connections: pool,
    };
    if reach(&mut checks, command, &databases.command).await {
        command_database(&mut checks, &databases.command, opened.as_ref()).await;
    }
    if let Some(opened) = opened {
        opened.close().await;
    }
    let query = Needs {
        name: "query database",
        durable: false,
        has_log: false,
        connections: pool + 6,
    };
    reach(&mut checks, query, &databases.query).await;
    (checks.into_all(), Some(databases))
}

async fn reach(checks: &mut Checks, needs: Needs, url: &DatabaseUrl) -> bool {
    match url.engine() {
        Engine::Sqlite => {
            let is_there = files::check(checks, needs.name, url.as_str()).await;
            if is_there && needs.has_log {
                files::holder(checks, url.as_str());
            }
            is_there
        }
        Engine::Postgres => servers::check(checks, needs, url.as_str()).await,
    }
}

/// Whether a restore was interrupted.
async fn restored(checks: &mut Checks, url: &str) {
    const NAME: &str = "event store: restore";
    match RestoreMarker::is_set(url).await {
        Ok(false) => {}
        Ok(true) => checks.failed(
            NAME,
            "not completed; no shop starts on these databases",
            "repeat it: shop restore --from FOLDER --replace",
        ),
        Err(error) => checks.unknown(NAME, error.to_string()),
    }
}

/// Whether this program can read the log, and where that ends. Returns the open event store.
async fn log(checks: &mut Checks, url: &str) -> Option<AnyEventStore> {
    const NAME: &str = "event store: log";
    let settings = StoreSettings {
        pool_size: 1,
        migrate: false,
        ..StoreSettings::default()
    };
    let opened = match AnyEventStore::open_read_only(url, settings).await {
        Ok(opened) => opened,
        Err(error) => {
            let found = StartError::failed("open the event store", error).to_string();
            checks.failed(NAME, found, MIGRATE);
            return None;
        }
    };
    match opened.store().identify(&[]).await {
        Ok(identity) => {
            let head = identity.head;
            let found = format!("{} events, log {}", head.position.0, head.log);
            if head.position == Position::START || head.event.is_some() {
                checks.ok(NAME, found);
            } else {
                let action = "restore a backup: shop restore --from FOLDER --replace";
                checks.failed(NAME, format!("{found}; its last event is missing"), action);
            }
        }
        Err(error) => {
            let found = StartError::failed("read the log", error).to_string();
            checks.failed(NAME, found, "look at the database and its disk");
        }
    }
    Some(opened)
}

async fn command_database(checks: &mut Checks, url: &DatabaseUrl, log: Option<&AnyEventStore>) {
    const NAME: &str = "command database: schema";
    match CommandDatabase::open_read_only(url).await {
        Ok(database) => {
            checks.ok(NAME, "fits this program");
            if let Some(log) = log {
                progress(checks, &database, log).await;
            }
            database.close().await;
        }
        Err(error) => {
            let found = StartError::failed("open the command database", error).to_string();
            checks.failed(NAME, found, MIGRATE);
        }
    }
}

/// Whether the progress of the event handlers is of this log: a start is rejected otherwise.
async fn progress(checks: &mut Checks, database: &CommandDatabase, log: &AnyEventStore) {
    const NAME: &str = "command database: log";
    let compared = async {
        let marks = database.event_handlers().marks().await?;
        let positions: Vec<Position> = marks.iter().map(|(_, mark)| mark.position).collect();
        let identity = log.store().identify(&positions).await?;
        let foreign = marks.iter().find_map(|(handler, mark)| {
            let foreign = identity.verify(mark).err()?;
            Some(format!("the event handler {handler}: {foreign}"))
        });
        Ok::<_, StoreError>(foreign)
    };
    match compared.await {
        Ok(None) => checks.ok(NAME, "the event handlers are in this log"),
        Ok(Some(foreign)) => checks.failed(
            NAME,
            foreign,
            "restore both databases from one backup; a start is rejected until an operator accepts the log",
        ),
        Err(error) => {
            let found = StartError::failed("compare with the log", error).to_string();
            checks.unknown(NAME, found);
        }
    }
}
