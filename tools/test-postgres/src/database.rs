//! A new database for one test, on a given server or a private cluster.

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::sync::OnceCell;

use crate::cluster::Cluster;
use crate::test_database::{SERVER, TestDatabase};

/// The cluster of this process. A static is never dropped, so its watchdog stops it.
static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();

/// Creates an empty database.
///
/// # Panics
/// If the server of `TEST_POSTGRES_URL` does not answer, or without it, if PostgreSQL is not installed.
pub async fn database() -> TestDatabase {
    let Ok(server) = std::env::var(SERVER) else {
        return CLUSTER.get_or_init(Cluster::start).await.database().await;
    };
    let options: PgConnectOptions = server
        .parse()
        .unwrap_or_else(|error| panic!("{SERVER}: {error}"));
    let url = |name: &str| options.clone().database(name).to_url_lossy().to_string();
    TestDatabase::create(&server, url, true).await
}
