//! The swap: one transaction that makes another generation the live one.

use event_sourcing::{StoreError, Token};

use super::record::{RebuildState, find_in, set_state};
use super::store::rebuild_token;
use crate::checkpoint_watcher::CHANNEL;
use crate::database::{Database, Transaction};
use crate::engine::Engine;
use crate::generation::{activate, bound_lock_waits, present, shown};
use crate::statement::Statement;
use crate::version::ProjectionVersion;
use sqlx::AssertSqlSafe;

const OPERATION: &str = "swap generations";

/// The result of an attempt to swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SwapResult {
    Swapped,
    /// The generation is below the live one.
    Behind,
    /// Another process has taken over or ended the rebuild.
    Lost,
}

/// Swaps `generation` with the live one, under the rebuild's lease of `token`.
pub(super) async fn swap(
    database: &Database,
    (version, generation): (ProjectionVersion, i64),
    columns: &str,
    token: Token,
) -> Result<SwapResult, StoreError> {
    let mut transaction = database.lock_schema().await?;
    bound_lock_waits(&mut transaction).await?;
    let known = find_in(&mut transaction, version).await?;
    let known = known.filter(|known| known.other_generation() == Some(generation));
    let next = known.as_ref().and_then(|known| match known.state {
        RebuildState::Swapping => Some(RebuildState::Swapped),
        RebuildState::Reverting => Some(RebuildState::Reverted),
        _ => None,
    });
    let (Some(known), Some(next), Some(live)) =
        (known, next, present(&mut transaction, version).await?)
    else {
        transaction.rollback().await?;
        return Ok(SwapResult::Lost);
    };
    // The view is changed before the live checkpoint is locked: that waits for its readers, and the live runner must not.
    let shown = shown(&mut transaction, version).await?;
    if shown.is_some_and(|shown| shown.generation == live) {
        activate(&mut transaction, version, columns, generation).await?;
    }
    let live_checkpoint = lock(&mut transaction, version, live).await?;
    let own_checkpoint = lock(&mut transaction, version, generation).await?;
    let result = match (live_checkpoint, own_checkpoint) {
        (_, None) => SwapResult::Lost,
        (_, Some((_, own))) if own != rebuild_token(token) => SwapResult::Lost,
        (Some((position, _)), Some((own, _))) if own < position => SwapResult::Behind,
        _ => SwapResult::Swapped,
    };
    if result != SwapResult::Swapped {
        transaction.rollback().await?;
        return Ok(result);
    }
    let schema_version = i64::from(version.version);
    // Without its token, the live runner cannot write to its generation, and starts again on the new one.
    set_owner(&mut transaction, version, live, (-schema_version, 0)).await?;
    let live_token = live_checkpoint.map_or(0, |(_, token)| token);
    set_owner(
        &mut transaction,
        version,
        generation,
        (schema_version, live_token),
    )
    .await?;
    point_to(&mut transaction, version, generation).await?;
    if known.previous.is_none() {
        record_previous(&mut transaction, version, live).await?;
    }
    set_state(&mut transaction, version, next, None).await?;
    if database.engine() == Engine::Postgres {
        // Not the notification of a position: each process reads the checkpoints again, and finds the new generation.
        let notify = AssertSqlSafe(format!("SELECT pg_notify({CHANNEL}, 'swapped')::text"));
        let _sent: Vec<(Option<String>,)> = transaction
            .fetch_all(Statement::new(OPERATION, notify))
            .await?;
    }
    transaction.commit(OPERATION).await?;
    Ok(SwapResult::Swapped)
}

/// Locks the checkpoint of a generation, and returns its position and token.
async fn lock(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    generation: i64,
) -> Result<Option<(i64, i64)>, StoreError> {
    let sql = "UPDATE read_model_generations SET token = token WHERE projection = $1 AND generation = $2 \
               RETURNING position, token";
    let statement = Statement::new(OPERATION, sql)
        .bind(version.name)
        .bind(generation);
    transaction.fetch_optional(statement).await
}

/// Sets the schema version whose binaries read the generation, and the token with which it is written. Rows that are
/// swapped have reached the head once, because the live ones had.
async fn set_owner(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    generation: i64,
    (schema_version, token): (i64, i64),
) -> Result<(), StoreError> {
    let sql = "UPDATE read_model_generations SET schema_version = $3, token = $4, caught_up = 1 \
               WHERE projection = $1 AND generation = $2";
    let statement = Statement::new(OPERATION, sql)
        .bind(version.name)
        .bind(generation)
        .bind(schema_version)
        .bind(token);
    transaction.execute(statement).await.map(|_| ())
}

async fn point_to(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    generation: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE read_model_versions SET generation = $3 WHERE projection = $1 AND schema_version = $2";
    let statement = Statement::new(OPERATION, sql)
        .bind(version.name)
        .bind(i64::from(version.version))
        .bind(generation);
    transaction.execute(statement).await.map(|_| ())
}

async fn record_previous(
    transaction: &mut Transaction,
    version: ProjectionVersion,
    live: i64,
) -> Result<(), StoreError> {
    let sql = "UPDATE read_model_rebuilds SET previous = $3 WHERE projection = $1 AND schema_version = $2";
    let statement = Statement::new(OPERATION, sql)
        .bind(version.name)
        .bind(i64::from(version.version))
        .bind(live);
    transaction.execute(statement).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use event_sourcing::SystemClock;
    use event_sourcing::projection::{Handlers, Projection, ProjectionStore};
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::generation::Generation;
    use crate::rebuild::{RebuildControl, RebuildRequest, RebuildRows};
    use crate::table::TableProjection;

    struct Names;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Name {
        name: String,
    }

    impl Projection for Names {
        const NAME: &'static str = "names";
        const SCHEMA_VERSION: u32 = 1;
        type Row = Name;

        fn handlers(_: &mut Handlers<Self>) {}
    }

    impl TableProjection for Names {
        const DDL: &'static str = "CREATE TABLE {table} (name {text} PRIMARY KEY)";

        fn key(row: &Name) -> &str {
            &row.name
        }
    }

    async fn set_position(database: &Database, generation: i64, position: i64) {
        let sql = "UPDATE read_model_generations SET position = $2, caught_up = 1 WHERE generation = $1 \
                   RETURNING position";
        let statement = Statement::new("test", sql).bind(generation).bind(position);
        let set: Vec<(i64,)> = database.write(statement).await.expect("set");
        assert_eq!(set, [(position,)]);
    }

    async fn only_at_or_above_the_live_position(url: &str) {
        let clock = Arc::new(SystemClock);
        let database = Database::open(url, 2, clock).await.expect("opened");
        let version = database.version_of::<Names>();
        Generation::ensure::<Names>(&database).await.expect("made");
        set_position(&database, 1, 10).await;
        let control = RebuildControl::of::<Names>(&database);
        let request = RebuildRequest {
            who: "grace".to_owned(),
            reason: "a test".to_owned(),
            is_automatic: false,
        };
        // A table that a restored database has without an entry.
        let left = Statement::new("test", "CREATE TABLE names_g2 (other integer)");
        let made: Vec<(i64,)> = database.write(left).await.expect("made");
        assert!(made.is_empty());
        control.start(&request).await.expect("started");
        let state = async |state| {
            let mut transaction = database.begin().await.expect("a transaction");
            let set = set_state(&mut transaction, version, state, None).await;
            set.expect("changed");
            transaction.commit("test").await.expect("committed");
        };
        let rows = RebuildRows::<Names>::new(control);
        rows.begin(Token(5)).await.expect("read").expect("ours");
        let swap = async |token| {
            let swapped = swap(&database, (version, 2), "name", Token(token)).await;
            swapped.expect("an answer")
        };
        set_position(&database, 2, 10).await;
        assert_eq!(swap(5).await, SwapResult::Lost, "not requested");
        state(RebuildState::Swapping).await;
        set_position(&database, 2, 9).await;
        assert_eq!(swap(5).await, SwapResult::Behind);
        set_position(&database, 2, 10).await;
        assert_eq!(swap(4).await, SwapResult::Lost, "an earlier holder");
        assert_eq!(swap(5).await, SwapResult::Swapped);
        assert_eq!(swap(5).await, SwapResult::Lost, "swapped already");
        set_position(&database, 2, 11).await;
        state(RebuildState::Reverting).await;
        rows.begin(Token(6)).await.expect("read").expect("ours");
        let back = swap_to_first(&database, version).await;
        assert_eq!(back, SwapResult::Behind);
        set_position(&database, 1, 11).await;
        let back = swap_to_first(&database, version).await;
        assert_eq!(back, SwapResult::Swapped);
        database.close().await;
    }

    async fn swap_to_first(database: &Database, version: ProjectionVersion) -> SwapResult {
        let swapped = swap(database, (version, 1), "name", Token(6)).await;
        swapped.expect("an answer")
    }

    #[tokio::test]
    async fn a_generation_is_swapped_only_at_or_above_the_live_position() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let file = folder.path().join("read.db");
        only_at_or_above_the_live_position(&format!("sqlite://{}", file.display())).await;
        let server = test_postgres::database().await;
        only_at_or_above_the_live_position(&server.url).await;
    }
}
