//! Creates databases for measurements.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use test_postgres::Cluster;

use crate::ids::Ids;

#[derive(Debug)]
pub enum Server {
    /// A private cluster, stopped and removed at the end.
    Private(Cluster),
    Postgres(String),
    Sqlite(PathBuf),
}

/// A new database, dropped by [`Database::discard`].
#[derive(Debug)]
pub struct Database {
    pub url: String,
    name: String,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Postgres { server: String },
    Sqlite { folder: PathBuf },
}

impl Server {
    /// The server that the URL names; without one a private cluster.
    pub async fn open(url: Option<&str>) -> Result<Self> {
        match url {
            None => Ok(Self::Private(Cluster::start().await)),
            Some(url) if url.starts_with("postgres://") => Ok(Self::Postgres(url.to_owned())),
            Some(url) => {
                let Some(folder) = url.strip_prefix("sqlite://") else {
                    bail!("--url must start with postgres:// or sqlite://, got {url:?}");
                };
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create {folder}"))?;
                Ok(Self::Sqlite(PathBuf::from(folder)))
            }
        }
    }

    pub fn is_postgres(&self) -> bool {
        !matches!(self, Self::Sqlite(_))
    }

    /// The number of processes and the engine, for reports.
    pub fn layout(&self) -> &'static str {
        if self.is_postgres() {
            "3 × pg"
        } else {
            "1 × sqlite"
        }
    }

    pub fn engine(&self) -> &'static str {
        if self.is_postgres() {
            "postgres"
        } else {
            "sqlite"
        }
    }

    /// Creates an empty database.
    pub async fn database(&self) -> Result<Database> {
        let name = format!("bench_{:016x}", Ids::new().random());
        let server = match self {
            Self::Private(cluster) => cluster.url("postgres"),
            Self::Postgres(url) => url.clone(),
            Self::Sqlite(parent) => {
                let folder = parent.join(&name);
                std::fs::create_dir(&folder)?;
                let url = format!("sqlite://{}", folder.join("bench.db").display());
                let kind = Kind::Sqlite { folder };
                return Ok(Database { url, name, kind });
            }
        };
        execute(&server, format!("CREATE DATABASE {name}")).await?;
        let options: PgConnectOptions = server.parse().context("--url")?;
        let url = match self {
            Self::Private(cluster) => cluster.url(&name),
            _ => options.database(&name).to_url_lossy().to_string(),
        };
        let kind = Kind::Postgres { server };
        Ok(Database { url, name, kind })
    }
}

impl Database {
    pub async fn discard(self) -> Result<()> {
        match self.kind {
            Kind::Postgres { server } => {
                let name = self.name;
                execute(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await
            }
            Kind::Sqlite { folder } => Ok(std::fs::remove_dir_all(folder)?),
        }
    }
}

async fn execute(server: &str, sql: String) -> Result<()> {
    let mut connection = PgConnection::connect(server)
        .await
        .context("cannot connect to the PostgreSQL server")?;
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await?;
    Ok(connection.close().await?)
}
