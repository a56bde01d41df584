//! Databases for the write side, on either engine.

use std::time::Duration;

use platform::config::{DatabaseUrl, Databases, Engine};
use tempfile::TempDir;
use test_postgres::TestDatabase;

/// Fresh databases, which are removed on drop.
pub struct Place {
    pub databases: Databases,
    _folder: Option<TempDir>,
    _database: Option<TestDatabase>,
}

impl Place {
    pub async fn new(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                let url = |name| format!("sqlite://{}/{name}.db", folder.path().display());
                Self {
                    databases: databases(&url("events"), &url("command")),
                    _folder: Some(folder),
                    _database: None,
                }
            }
            Engine::Postgres => {
                let database = test_postgres::database().await;
                Self {
                    databases: databases(&database.url, &database.url),
                    _folder: None,
                    _database: Some(database),
                }
            }
        }
    }
}

/// Runs a test on both engines, each with fresh databases.
pub async fn on_each_engine(test: impl AsyncFn(Place)) {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        test(Place::new(engine).await).await;
    }
}

pub fn databases(event_store: &str, database: &str) -> Databases {
    Databases {
        event_store: DatabaseUrl::parse(event_store).expect("a database"),
        database: DatabaseUrl::parse(database).expect("a database"),
        database_setting: "COMMAND_DATABASE_URL",
        pool_size: 4,
        migrate: true,
        start_timeout: Duration::from_secs(30),
    }
}
