//! A hand-written saga: only the events of an order, in four transactions on one connection.

use std::time::Duration;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use event_sourcing::{Clock, SystemClock};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::PostgresLog;
use super::postgres::INSERT_MANY;
use crate::account::metadata;
use crate::ids::Ids;
use crate::measure::{Client, Statistics, closed_loop};

type Commit = Vec<(String, String)>;

/// The limit of a saga.
#[derive(Debug)]
pub struct FourCommits {
    url: String,
    commits: Vec<Commit>,
}

impl FourCommits {
    /// Creates its table. `commits` are the types and data of one order's events.
    pub async fn create(url: &str, commits: Vec<Commit>, preload: u64) -> Result<Self> {
        ensure!(
            commits.len() == 4,
            "an order is {} commits, not 4: {commits:?}",
            commits.len()
        );
        PostgresLog::create(url, preload).await?;
        Ok(Self {
            url: url.to_owned(),
            commits,
        })
    }

    /// Measures sagas per second, with a connection for each client.
    pub async fn measure(&self, clients: usize, duration: Duration) -> Result<Statistics> {
        let mut all = Vec::with_capacity(clients);
        for _ in 0..clients {
            all.push(BaselineClient {
                connection: PgConnection::connect(&self.url).await?,
                ids: Ids::new(),
                commits: self.commits.clone(),
            });
        }
        closed_loop(all, duration).await
    }
}

struct BaselineClient {
    connection: PgConnection,
    ids: Ids,
    commits: Vec<Commit>,
}

impl Client for BaselineClient {
    async fn operate(&mut self) -> Result<u64> {
        let saga = self.ids.aggregate_id();
        let metadata = serde_json::to_string(&metadata())?;
        let mut version = 0;
        for commit in &self.commits {
            let command = self.ids.command_id();
            let rows = commit.len();
            let (types, data): (Vec<&str>, Vec<&str>) = commit
                .iter()
                .map(|(event_type, data)| (event_type.as_str(), data.as_str()))
                .unzip();
            let next = version + i32::try_from(rows)?;
            let versions: Vec<i32> = (version + 1..=next).collect();
            version = next;
            let times: Vec<DateTime<Utc>> = vec![SystemClock.now(); rows];
            let events: Vec<Uuid> = (0..rows).map(|index| command.event_id(index)).collect();
            let mut commands = vec![None; rows];
            commands[0] = Some(command.0);
            sqlx::query(INSERT_MANY)
                .bind(vec!["order_saga"; rows])
                .bind(vec![saga.as_str(); rows])
                .bind(types)
                .bind(data)
                .bind(vec![metadata.as_str(); rows])
                .bind(versions)
                .bind(times)
                .bind(events)
                .bind(commands)
                .bind(vec![1_i32; rows])
                .execute(&mut self.connection)
                .await?;
        }
        Ok(1)
    }
}
