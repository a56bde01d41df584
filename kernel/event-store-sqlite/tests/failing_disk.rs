//! A disk that is full or fails temporarily: errors report the correct outcome, and the store works again afterwards.
#![cfg(target_os = "linux")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use chrono::DateTime;
use event_sourcing::{
    CommandId, Commit, EncodedEvent, EventStore, ExpectedVersion, Filter, LeaseStore, Metadata,
    NewEvent, Position, Snapshot, StoreError, StreamId, SystemClock, Version, Write,
};
use event_store_sqlite::{Settings, SqliteEventStore};
use test_faults::{DiskFault, with_faults};
use uuid::Uuid;

const OWNER: &str = "this process";
const TTL: Duration = Duration::from_mins(1);

fn stream() -> StreamId {
    StreamId::new("account", "a")
}

fn commit(number: u128) -> Result<Commit> {
    let event = EncodedEvent {
        event_type: "Opened",
        schema_version: 1,
        data: format!("{{\"number\":{number}}}"),
    };
    let write = Write {
        stream: stream(),
        expected: ExpectedVersion::Any,
        events: vec![NewEvent {
            event,
            metadata: Metadata::default(),
        }],
    };
    let command = CommandId(Uuid::from_u128(number));
    Ok(Commit::try_new(
        command,
        DateTime::UNIX_EPOCH,
        vec![write],
        None,
    )?)
}

async fn open(database: &Path) -> Result<SqliteEventStore> {
    let location = database.to_string_lossy();
    Ok(SqliteEventStore::open(&location, Arc::new(SystemClock), Settings::default()).await?)
}

/// The numbers of the events, in the order of the log.
async fn log(store: &SqliteEventStore) -> Result<Vec<String>> {
    let page = store.read_all(Position::START, &Filter::ALL, 1_000).await?;
    let positions: Vec<_> = page.events().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=page.head.0).collect::<Vec<_>>());
    Ok(page.events().map(|event| event.data.clone()).collect())
}

#[test]
fn an_append_is_unknown_while_the_disk_fails_and_succeeds_afterwards() -> Result<()> {
    let test = "an_append_is_unknown_while_the_disk_fails_and_succeeds_afterwards";
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let folder = tempfile::tempdir()?;
            let database: PathBuf = folder.path().join("events.db");
            let wal = folder.path().join("events.db-wal");
            let store = open(&database).await?;
            let mut expected = Vec::new();
            for round in 1..=5 {
                let batch = [commit(round)?];
                fault.start(faults, &wal)?;
                for _ in 0..3 {
                    let error = store
                        .append(&batch)
                        .await
                        .expect_err("it cannot be written");
                    assert!(error.is_retryable(), "{fault:?}: {error}");
                }
                faults.stop()?;
                let answers = store.append(&batch).await?;
                let receipt = answers.into_iter().flatten().next().expect("accepted");
                expected.push(format!("{{\"number\":{round}}}"));
                assert_eq!(receipt.first.0, u64::try_from(round)?, "{fault:?}");
                assert_eq!(log(&store).await?, expected, "{fault:?}: each once");
            }
            // As when the process is killed: nothing is closed cleanly.
            drop(store);
            assert_eq!(log(&open(&database).await?).await?, expected, "{fault:?}");
        }
        Ok(())
    })
}

#[test]
fn a_failed_commit_is_unknown_and_a_full_disk_before_it_is_not() -> Result<()> {
    let test = "a_failed_commit_is_unknown_and_a_full_disk_before_it_is_not";
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let folder = tempfile::tempdir()?;
            let store = open(&folder.path().join("events.db")).await?;
            fault.start(faults, &folder.path().join("events.db-wal"))?;
            let error = store
                .append(&[commit(1)?])
                .await
                .expect_err("a failed commit");
            assert!(
                matches!(error, StoreError::OutcomeUnknown { .. }),
                "{fault:?}: {error}"
            );
            let lease = store
                .acquire_leases(&["work".into()], OWNER, TTL, None)
                .await;
            let error = lease.expect_err("a lease that was not written");
            assert!(error.is_retryable(), "{fault:?}: {error}");
            faults.stop()?;
        }
        Ok(())
    })
}

#[test]
fn leases_and_snapshots_work_again_after_the_disk_recovers() -> Result<()> {
    let test = "leases_and_snapshots_work_again_after_the_disk_recovers";
    with_faults(test, async |faults| {
        for fault in DiskFault::ALL {
            let folder = tempfile::tempdir()?;
            let store = open(&folder.path().join("events.db")).await?;
            store.append(&[commit(1)?]).await?;
            let names: [Arc<str>; 1] = ["work".into()];
            let mut snapshot = Snapshot {
                stream: stream(),
                version: Version::NONE,
                schema_version: 1,
                state: "{}".to_owned(),
                created_at: DateTime::UNIX_EPOCH,
            };
            for _ in 0..3 {
                // Each snapshot is newer, because one that is not newer is not written and so cannot fail.
                snapshot.version = snapshot.version.next();
                fault.start(faults, &folder.path().join("events.db-wal"))?;
                let failed = store.acquire_leases(&names, OWNER, TTL, None).await;
                assert!(failed.expect_err("a failing disk").is_retryable());
                let failed = store.renew_leases(OWNER, TTL).await;
                assert!(failed.is_err() || failed.is_ok_and(|held| held.is_empty()));
                let failed = store.save_snapshot(&snapshot).await;
                assert!(failed.expect_err("a failing disk").is_retryable());
                faults.stop()?;
                let held = store.acquire_leases(&names, OWNER, TTL, None).await?;
                assert_eq!(held.len(), 1, "{fault:?}");
                assert_eq!(store.renew_leases(OWNER, TTL).await?, held, "{fault:?}");
                store.save_snapshot(&snapshot).await?;
                store.release_leases(&names, OWNER).await?;
            }
            let loaded = store.load_snapshot(&stream(), 1).await?;
            assert_eq!(loaded, Some(snapshot), "{fault:?}");
        }
        Ok(())
    })
}
