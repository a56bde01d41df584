//! The store: implements the kernel's traits with the modules of this crate.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use event_sourcing::{
    CommandId, CommandStatus, Commit, EventStore, Filter, Lease, LeaseRetention, LeaseStore,
    LogIdentity, LogPage, Position, Receipt, Rejected, Snapshot, SteadyClock, StoreError, StreamId,
    StreamPage, Version,
};
use futures::future::BoxFuture;
use sql_database::NamedPool;
use sql_database::postgres::{at_server, check_server};
use sql_database::span::{POSTGRES, statement_span};
use tokio::time::Instant;
use tracing::Instrument;

use crate::append::AppendConnection;
use crate::error::{Phase, store_error};
use crate::lease::LeaseContext;
use crate::session::Connector;
use crate::settings::Settings;
use crate::subscribe::Subscription;
use crate::{append, identity, lease, migrate, read, settings, snapshot};

/// The event store and the lease store on PostgreSQL. A process opens one.
#[derive(Debug)]
pub struct PostgresEventStore {
    appending: AppendConnection,
    pub(crate) pool: NamedPool,
    clock: SteadyClock,
    subscription: Subscription,
}

impl PostgresEventStore {
    /// Connects, checks the server, runs missing migrations if `settings` enable them, and starts to listen.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server cannot be reached or is a replica, or if another process migrates for
    /// longer than a second; [`StoreError::Failed`] if it is older than 14, if a pooler shares its sessions, if no
    /// schema of the `search_path` exists, if the schema supports only newer binaries, or if a migration is missing.
    #[must_use]
    pub fn connect(url: &str, settings: Settings) -> BoxFuture<'_, Result<Self, StoreError>> {
        Box::pin(async move {
            let operation = "open the event store";
            check_server(url, operation).await?;
            Self::try_connect(url, settings)
                .await
                .map_err(|error| at_server(url, failed(operation)(error)))
        })
    }

    async fn try_connect(url: &str, settings: Settings) -> Result<Self, sqlx::Error> {
        let connector = Connector::try_new(url, settings.clone())?;
        let (mut connection, backend) = connector.connect().await?;
        settings::check_settings(&mut connection).await?;
        if settings.migrate {
            migrate::migrate(&mut connection).await?;
        }
        migrate::check(&mut connection).await?;
        let clock = settings.clock;
        // No decision may depend on a clock that was never synchronized with the server's.
        read::time(&mut connection, &clock).await?;
        let pool = NamedPool::new("events", connector.pool(settings.pool_size));
        let interval = settings.poll_interval;
        // The listener has its own pool, so that readers that use all connections cannot delay notifications.
        let subscription = Subscription::start(connector.pool(1), clock.clone(), interval);
        Ok(Self {
            appending: AppendConnection::new(connector, pool.clone(), connection, backend),
            pool,
            clock,
            subscription,
        })
    }

    /// Checks whether this process could append now: takes the lock of the log and checks the privilege to insert
    /// events, without inserting one. It does not detect a full disk, which only a written row would.
    ///
    /// # Errors
    /// [`StoreError`] if it could not append.
    pub fn may_append(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            append::may_append(&self.pool)
                .await
                .map_err(failed("check whether events can be appended"))
        })
    }

    fn leasing(&self) -> LeaseContext<'_> {
        LeaseContext {
            pool: &self.pool,
            clock: &self.clock,
        }
    }

    /// Publishes how busy the readers' connections are as metrics. The connections that append and listen are not in
    /// the pool.
    pub fn measure_pools(&self) {
        self.pool.measure();
    }

    /// Closes all connections after running calls have ended. Later calls fail or open new ones.
    pub fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.subscription.close().await;
            self.appending.close().await;
            self.pool.close().await;
        })
    }
}

/// Converts the error of any operation but the append itself.
pub(crate) fn failed(operation: &'static str) -> impl FnOnce(sqlx::Error) -> StoreError {
    move |error| store_error(operation, Phase::Repeatable, error)
}

#[async_trait]
impl EventStore for PostgresEventStore {
    async fn append(&self, batch: &[Commit]) -> Result<Vec<Result<Receipt, Rejected>>, StoreError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let asked_at = Instant::now();
        let span = statement_span(POSTGRES, "append", None);
        let answered = self.appending.append(batch).instrument(span).await?;
        self.subscription.seen(answered.head, asked_at);
        Ok(answered.answers)
    }

    async fn command_status(
        &self,
        command: CommandId,
        streams: &[StreamId],
    ) -> Result<CommandStatus, StoreError> {
        let operation = "read the status of a command";
        // A statement whose connection broke may still commit. Without this the status could be "not stored" just
        // before it does, and the caller would reject a command that took effect.
        self.appending
            .wait_until_idle()
            .await
            .map_err(failed(operation))?;
        read::command_status(&self.pool, command, streams)
            .await
            .map_err(failed(operation))
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        after: Version,
        limit: usize,
    ) -> Result<StreamPage, StoreError> {
        let operation = "read a stream";
        read::stream(&self.pool, stream, after, limit)
            .instrument(statement_span(POSTGRES, operation, None))
            .await
            .map_err(failed(operation))
    }

    async fn read_all(
        &self,
        after: Position,
        filter: &Filter,
        limit: usize,
    ) -> Result<LogPage, StoreError> {
        let asked_at = Instant::now();
        let page = read::log(&self.pool, after, filter, limit).await;
        let page = page.map_err(failed("read the log"))?;
        // Also a lower head is published: after a restore, readers must not be woken again for an event that no longer
        // exists.
        self.subscription.seen(page.head, asked_at);
        Ok(page)
    }

    async fn head(&self) -> Result<Position, StoreError> {
        let asked_at = Instant::now();
        let head = read::head_of(&self.pool, &self.clock).await;
        let head = head.map_err(failed("read the head"))?;
        self.subscription.seen(head, asked_at);
        Ok(head)
    }

    async fn identify(&self, positions: &[Position]) -> Result<LogIdentity, StoreError> {
        identity::identify(&self.pool, positions)
            .await
            .map_err(failed("identify the log"))
    }

    async fn wait_for(&self, position: Position) -> Result<Position, StoreError> {
        self.subscription
            .wait_for(&self.pool, position)
            .await
            .map_err(failed("wait for events"))
    }

    async fn load_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
    ) -> Result<Option<Snapshot>, StoreError> {
        snapshot::load(&self.pool, stream, schema_version)
            .await
            .map_err(failed("load a snapshot"))
    }

    async fn save_snapshot(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        snapshot::save(&self.pool, snapshot)
            .await
            .map_err(failed("save a snapshot"))
    }

    async fn remove_snapshot(
        &self,
        stream: &StreamId,
        schema_version: u32,
        version: Version,
    ) -> Result<(), StoreError> {
        snapshot::remove(&self.pool, stream, schema_version, version)
            .await
            .map_err(failed("remove a snapshot"))
    }
}

#[async_trait]
impl LeaseStore for PostgresEventStore {
    async fn acquire_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
        retention: Option<LeaseRetention>,
    ) -> Result<Vec<Lease>, StoreError> {
        lease::acquire(self.leasing(), names, owner, ttl, retention)
            .await
            .map_err(failed("acquire leases"))
    }

    async fn renew_leases(&self, owner: &str, ttl: Duration) -> Result<Vec<Lease>, StoreError> {
        lease::renew(self.leasing(), owner, ttl)
            .await
            .map_err(failed("renew leases"))
    }

    async fn release_leases(&self, names: &[Arc<str>], owner: &str) -> Result<(), StoreError> {
        lease::release(&self.pool, names, owner)
            .await
            .map_err(failed("release leases"))
    }

    async fn held_leases(&self, prefix: &str) -> Result<Vec<Arc<str>>, StoreError> {
        lease::held(&self.pool, prefix)
            .await
            .map_err(failed("list the leases"))
    }

    async fn seize_leases(
        &self,
        names: &[Arc<str>],
        owner: &str,
        ttl: Duration,
    ) -> Result<Vec<Lease>, StoreError> {
        lease::seize(self.leasing(), names, owner, ttl)
            .await
            .map_err(failed("seize leases"))
    }
}
