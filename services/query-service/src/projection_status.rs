//! The status of this process's projections, for operators.

use std::sync::Arc;

use event_sourcing::projection::{ControlEvent, Decision, Parked, RunnerState, decisions};
use event_sourcing::{Entry, EventStore, Filter, Position, StoreError};
use read_model_sql::rebuild::RebuildStatus;
use read_model_sql::{Checkpoint, Database, ProjectionVersion, RebuildControl};
use tokio::sync::watch;

use crate::cache::MAX_AGE;

/// The projections of this process.
pub struct ProjectionStatuses {
    projections: Vec<ProjectionHandle>,
    database: Database,
    log: Arc<dyn EventStore>,
}

impl std::fmt::Debug for ProjectionStatuses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standings").finish_non_exhaustive()
    }
}

/// A handle on one projection, in this binary's schema version.
#[derive(Clone, Debug)]
pub struct ProjectionHandle {
    version: ProjectionVersion,
    runner: watch::Receiver<RunnerState>,
    checkpoint: watch::Receiver<Checkpoint>,
    rebuild: RebuildControl,
}

impl ProjectionHandle {
    /// A handle from the states that the runner and the checkpoint watcher publish.
    #[must_use]
    pub const fn new(
        version: ProjectionVersion,
        runner: watch::Receiver<RunnerState>,
        checkpoint: watch::Receiver<Checkpoint>,
        rebuild: RebuildControl,
    ) -> Self {
        Self {
            version,
            runner,
            checkpoint,
            rebuild,
        }
    }

    #[must_use]
    pub const fn version(&self) -> ProjectionVersion {
        self.version
    }

    /// The checkpoint, as last read by this process.
    #[must_use]
    pub fn checkpoint(&self) -> watch::Receiver<Checkpoint> {
        self.checkpoint.clone()
    }

    /// The state that the runner publishes.
    #[must_use]
    pub fn runner(&self) -> watch::Receiver<RunnerState> {
        self.runner.clone()
    }
}

/// The status of a projection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionStatus {
    pub name: &'static str,
    /// The schema version of the rows that this process reads and folds.
    pub schema_version: u32,
    /// The generation of the table for that schema version.
    pub generation: i64,
    pub state: State,
    /// The rows are the fold of all events up to here.
    pub position: Position,
    /// The log's last position.
    pub head: Position,
    /// The last rebuild, unless nothing is left of it.
    pub rebuild: Option<RebuildStatus>,
}

/// What a projection is doing, as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// This process folds events into its rows.
    Following,
    /// The rows have not caught up with the log yet.
    Building,
    /// Stopped before an event that cannot be decoded or folded.
    Parked {
        parked: Parked,
        /// The event; `None` if the log lost its latest events.
        entry: Option<Entry>,
    },
    /// An operator has paused it.
    Paused,
    /// Another process holds the lease, or this one waits for a lease to expire.
    Waiting,
    /// A database does not answer.
    Failing(String),
}

impl ProjectionStatuses {
    #[must_use]
    pub fn new(
        projections: Vec<ProjectionHandle>,
        database: Database,
        log: Arc<dyn EventStore>,
    ) -> Self {
        Self {
            projections,
            database,
            log,
        }
    }

    /// All projections, in the order of their start.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read. An unavailable query database is not an error but [`State::Failing`].
    pub async fn list(&self) -> Result<Vec<ProjectionStatus>, StoreError> {
        let mut standings = Vec::with_capacity(self.projections.len());
        for followed in &self.projections {
            standings.push(self.standing(followed).await?);
        }
        Ok(standings)
    }

    /// One projection with the operators' decisions about it; `None` if the name is unknown.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn show(
        &self,
        name: &str,
    ) -> Result<Option<(ProjectionStatus, Vec<Decision<ControlEvent>>)>, StoreError> {
        let Some(followed) = self.find(name) else {
            return Ok(None);
        };
        let standing = self.standing(followed).await?;
        Ok(Some((standing, decisions(&*self.log, name).await?)))
    }

    fn find(&self, name: &str) -> Option<&ProjectionHandle> {
        let mut projections = self.projections.iter();
        projections.find(|followed| followed.version.name == name)
    }

    /// The rebuilds of a projection; `None` if the name is unknown.
    #[must_use]
    pub fn rebuilds(&self, name: &str) -> Option<&RebuildControl> {
        self.find(name).map(|followed| &followed.rebuild)
    }

    /// The log's last position.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn head(&self) -> Result<Position, StoreError> {
        self.log.head().await
    }

    async fn standing(&self, followed: &ProjectionHandle) -> Result<ProjectionStatus, StoreError> {
        let feed = self.database.checkpoints();
        let fresh = feed.ensure_fresh(&self.database, followed.version, MAX_AGE);
        let unread = fresh.await.err().map(|error| error.to_string());
        let checkpoint = followed.checkpoint.borrow().clone();
        let runner = followed.runner.borrow().clone();
        // An unavailable database is reported by the state.
        let rebuild = followed.rebuild.status().await.ok().flatten();
        // Read after the checkpoint, so that the head is never below it and no lag is negative.
        let head = self.log.head().await?;
        let state = match state(&runner, &checkpoint, unread) {
            State::Parked { parked, .. } => {
                let entry = self.entry(parked.position).await?;
                State::Parked { parked, entry }
            }
            state => state,
        };
        Ok(ProjectionStatus {
            name: followed.version.name,
            schema_version: followed.version.version,
            generation: checkpoint.generation,
            state,
            position: checkpoint.position,
            head,
            rebuild: rebuild.filter(|rebuild| !rebuild.state.has_ended()),
        })
    }

    async fn entry(&self, position: Position) -> Result<Option<Entry>, StoreError> {
        let before = Position(position.0.saturating_sub(1));
        let page = self.log.read_all(before, &Filter::ALL, 1).await?;
        let mut entries = page.entries.into_iter();
        Ok(entries.find(|entry| entry.position() == position))
    }
}

fn state(runner: &RunnerState, checkpoint: &Checkpoint, unread: Option<String>) -> State {
    let parked = checkpoint.parked.clone().or_else(|| runner.parked.clone());
    if let Some(failure) = unread.or_else(|| runner.failing.clone()) {
        State::Failing(failure)
    } else if checkpoint.is_paused {
        State::Paused
    } else if let Some(parked) = parked {
        State::Parked {
            parked,
            entry: None,
        }
    } else if !checkpoint.caught_up {
        State::Building
    } else if runner.active {
        State::Following
    } else {
        State::Waiting
    }
}
