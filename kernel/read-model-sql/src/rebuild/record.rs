//! The stored state of a rebuild.

use event_sourcing::{Position, StoreError};
use serde::Deserialize;
use sql_database::Row;
use sql_database::mark::position;

use super::report::RebuildReport;
use crate::database::{Database, Transaction};
use crate::error::failed;
use crate::statement::Statement;
use crate::version::ProjectionVersion;

const READ: &str = "read a rebuild";

/// What a rebuild is doing, or has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildState {
    /// Folds the log into the new generation.
    Building,
    /// Compares the rows with the live ones.
    Comparing,
    /// The rows were compared; the swap must be requested.
    Ready,
    /// Catches up with the live generation to be swapped with it.
    Swapping,
    /// The rebuilt generation is live, and the previous one is kept.
    Swapped,
    /// The previous generation catches up to be swapped back.
    Reverting,
    /// The previous generation is live again, and the rebuilt one is kept.
    Reverted,
    /// Stopped before it was compared. A new request continues it.
    Failed,
    /// The rebuilt generation was dropped without a swap.
    Aborted,
    /// The generation that was not live was dropped after a swap.
    Dropped,
}

impl RebuildState {
    const ALL: [(Self, &'static str); 10] = [
        (Self::Building, "building"),
        (Self::Comparing, "comparing"),
        (Self::Ready, "ready"),
        (Self::Swapping, "swapping"),
        (Self::Swapped, "swapped"),
        (Self::Reverting, "reverting"),
        (Self::Reverted, "reverted"),
        (Self::Failed, "failed"),
        (Self::Aborted, "aborted"),
        (Self::Dropped, "dropped"),
    ];

    /// Its stored name, as operators see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(state, _)| *state == self)
            .map_or("", |(_, name)| name)
    }

    fn parse(name: &str) -> Option<Self> {
        let mut all = Self::ALL.iter();
        all.find(|(_, known)| *known == name)
            .map(|(state, _)| *state)
    }

    /// Whether a process must do something.
    #[must_use]
    pub fn is_running(self) -> bool {
        matches!(
            self,
            Self::Building | Self::Comparing | Self::Swapping | Self::Reverting
        )
    }

    /// Whether nothing of it is left.
    #[must_use]
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Aborted | Self::Dropped)
    }
}

/// A rebuild, as operators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildStatus {
    /// What it is doing.
    pub state: RebuildState,
    /// The rebuilt generation.
    pub generation: i64,
    /// The generation that it replaced. `None` before the first swap.
    pub previous: Option<i64>,
    /// Whether the swap needs no confirmation.
    pub is_automatic: bool,
    /// The operator.
    pub who: String,
    /// The operator's reason.
    pub reason: String,
    /// When it was requested, in Unix microseconds.
    pub requested_at_micros: i64,
    /// How the rows differed from the live ones. `None` before they were compared.
    pub report: Option<RebuildReport>,
    /// Why the last step failed.
    pub failure: Option<String>,
    /// The position of the generation that is not live. `None` if there is none any more.
    pub position: Option<Position>,
}

impl RebuildStatus {
    /// The generation that is filled, or kept next to the live one.
    #[must_use]
    pub fn other_generation(&self) -> Option<i64> {
        match self.state {
            RebuildState::Swapped | RebuildState::Reverting => self.previous,
            RebuildState::Aborted | RebuildState::Dropped => None,
            _ => Some(self.generation),
        }
    }

    /// The state after a step that failed.
    pub(super) fn after_failure(&self) -> RebuildState {
        match self.state {
            RebuildState::Swapping if self.previous.is_some() => RebuildState::Reverted,
            RebuildState::Swapping => RebuildState::Ready,
            RebuildState::Reverting => RebuildState::Swapped,
            _ => RebuildState::Failed,
        }
    }
}

#[derive(Deserialize)]
struct RebuildRow {
    generation: i64,
    previous: Option<i64>,
    state: String,
    is_automatic: i64,
    who: String,
    reason: String,
    requested_at: i64,
    report: Option<String>,
    failure: Option<String>,
}

/// A newer binary has stored a state that this one does not know.
#[derive(Debug, thiserror::Error)]
#[error("the rebuild of {0} has the unknown state {1:?}")]
struct UnknownState(ProjectionVersion, String);

impl RebuildRow {
    fn into_status(self, version: ProjectionVersion) -> Result<RebuildStatus, StoreError> {
        let report = self.report.as_deref().map(serde_json::from_str);
        let Some(state) = RebuildState::parse(&self.state) else {
            return Err(failed(READ, UnknownState(version, self.state)));
        };
        Ok(RebuildStatus {
            state,
            generation: self.generation,
            previous: self.previous,
            is_automatic: self.is_automatic == 1,
            who: self.who,
            reason: self.reason,
            requested_at_micros: self.requested_at,
            report: report.transpose().map_err(|error| failed(READ, error))?,
            failure: self.failure,
            position: None,
        })
    }
}

fn select(version: ProjectionVersion) -> Statement {
    let sql = "SELECT generation, previous, state, is_automatic, who, reason, requested_at, report, failure \
               FROM read_model_rebuilds WHERE projection = $1 AND schema_version = $2";
    Statement::new(READ, sql)
        .bind(version.name)
        .bind(i64::from(version.version))
}

/// The last rebuild of this version, without its position.
pub(super) async fn find(
    database: &Database,
    version: ProjectionVersion,
) -> Result<Option<RebuildStatus>, StoreError> {
    let row: Option<Row<RebuildRow>> = database.fetch_optional(select(version)).await?;
    row.map(|Row(row)| row.into_status(version)).transpose()
}

/// As [`find`], in a transaction.
pub(super) async fn find_in(
    transaction: &mut Transaction,
    version: ProjectionVersion,
) -> Result<Option<RebuildStatus>, StoreError> {
    let row: Option<Row<RebuildRow>> = transaction.fetch_optional(select(version)).await?;
    row.map(|Row(row)| row.into_status(version)).transpose()
}

/// The position of a generation, if it exists.
pub(super) async fn position_of(
    database: &Database,
    version: ProjectionVersion,
    generation: i64,
) -> Result<Option<Position>, StoreError> {
    let sql =
        "SELECT position FROM read_model_generations WHERE projection = $1 AND generation = $2";
    let statement = Statement::new(READ, sql)
        .bind(version.name)
        .bind(generation);
    let found: Option<(i64,)> = database.fetch_optional(statement).await?;
    Ok(found.map(|(at,)| position(at)))
}

/// Changes the state, and sets or clears the failure.
pub(super) async fn set_state(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    state: RebuildState,
    failure: Option<String>,
) -> Result<(), StoreError> {
    let sql = "UPDATE read_model_rebuilds SET state = $3, failure = $4 \
               WHERE projection = $1 AND schema_version = $2";
    let statement = Statement::new("change a rebuild", sql)
        .bind(version.name)
        .bind(i64::from(version.version))
        .bind(state.name())
        .bind(failure);
    transaction.execute(statement).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_a_name_that_is_read_back() {
        for (state, name) in RebuildState::ALL {
            assert_eq!(state.name(), name);
            assert_eq!(RebuildState::parse(name), Some(state));
        }
        assert_eq!(RebuildState::parse("unknown"), None);
    }
}
