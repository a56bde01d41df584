//! A database that is created for one test and dropped after it.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::random::random_name;

/// The variable with the URL of a server to use instead of a private cluster.
pub(crate) const SERVER: &str = "TEST_POSTGRES_URL";

/// A database that is not shared. It is dropped with the value, or removed with its private cluster.
#[derive(Debug)]
pub struct TestDatabase {
    /// The URL of the database.
    pub url: String,
    /// Set if the server outlives the process, so that the database must be dropped.
    leftover: Option<Leftover>,
}

#[derive(Debug)]
struct Leftover {
    server: String,
    name: String,
}

impl TestDatabase {
    pub(crate) async fn create(
        server: &str,
        url: impl FnOnce(&str) -> String,
        drop_it: bool,
    ) -> Self {
        let name = format!("test_{}", random_name());
        execute(server, format!("CREATE DATABASE {name}"))
            .await
            .unwrap_or_else(|error| panic!("create database {name}: {error}"));
        let url = url(&name);
        let leftover = drop_it.then(|| Leftover {
            server: server.to_owned(),
            name,
        });
        Self { url, leftover }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let Some(Leftover { server, name }) = self.leftover.take() else {
            return;
        };
        // The test's own runtime may be the one that is dropping this value.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            runtime.block_on(execute(&server, sql))
        });
        if !matches!(dropping.join(), Ok(Ok(()))) {
            eprintln!("a test database was left on the server of {SERVER}");
        }
    }
}

async fn execute(server: &str, sql: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    connection.close().await
}
