//! What operators do with a database: copying a log, and listing and removing snapshots.

use event_sourcing::maintenance::{ImportRejected, LogRecord, SnapshotKey, SnapshotSelection};
use event_sourcing::{
    EventStore, ExpectedVersion, Filter, LogId, LogMaintenance, Position, Snapshot, StreamId,
    Version,
};
use uuid::Uuid;

use crate::MaintenanceHarness;
use crate::support::{TIMEOUT, append_one, command, commit, exact, moment, stream, write};

/// The records of a log, read in pages of three.
async fn records(database: &dyn LogMaintenance) -> Vec<LogRecord> {
    let mut records: Vec<LogRecord> = Vec::new();
    loop {
        let after = records.last().map_or(Position::START, |last| last.position);
        let page = database.read_records(after, 3).await.expect("a page");
        assert!(page.len() <= 3, "a page keeps its limit");
        if page.is_empty() {
            return records;
        }
        records.extend(page);
    }
}

/// A log of three commits with five events.
async fn written(store: &dyn EventStore) -> LogId {
    let (a, b) = (stream("a"), stream("b"));
    let commits = [
        vec![write(&a, ExpectedVersion::NoStream, 2)],
        vec![
            write(&a, exact(2), 1),
            write(&b, ExpectedVersion::NoStream, 1),
        ],
        vec![write(&b, exact(1), 1)],
    ];
    for (number, writes) in commits.into_iter().enumerate() {
        let commit = commit(command(number as u64), writes);
        append_one(store, commit).await.expect("an accepted commit");
    }
    store.identify(&[]).await.expect("an identity").head.log
}

async fn import(
    database: &dyn LogMaintenance,
    log: LogId,
    after: u64,
    records: &[LogRecord],
) -> Result<(), ImportRejected> {
    let imported = database.import_records(log, Position(after), records);
    imported.await.expect("the import returns a result")
}

/// A copy has the same id, positions, versions, ids, times and data; a repeated command gets the first receipt, and new
/// commits continue.
pub async fn a_copied_log_continues_like_the_first_one(
    from: &dyn MaintenanceHarness,
    to: &dyn MaintenanceHarness,
) {
    let (first, copy) = (from.open().await.events, to.open().await.events);
    let log = written(&*first).await;
    let copied = records(&*from.maintain().await).await;
    assert_eq!(copied.len(), 5);
    let database = to.maintain().await;
    for (after, page) in [(0, &copied[..2]), (2, &copied[2..])] {
        assert_eq!(import(&*database, log, after, page).await, Ok(()));
    }
    assert_eq!(records(&*database).await, copied);
    let all = |page: event_sourcing::LogPage| page.entries;
    let (first_log, copied_log) = (
        first.read_all(Position::START, &Filter::ALL, 10).await,
        copy.read_all(Position::START, &Filter::ALL, 10).await,
    );
    assert_eq!(
        all(copied_log.expect("a page")),
        all(first_log.expect("a page"))
    );
    let (first_id, copied_id) = (
        first.identify(&[Position(3)]).await,
        copy.identify(&[Position(3)]).await,
    );
    assert_eq!(
        copied_id.expect("an identity"),
        first_id.expect("an identity")
    );

    let repeated = commit(command(1), vec![write(&stream("c"), exact(7), 1)]);
    let receipt = append_one(&*copy, repeated).await.expect("a receipt");
    assert!(receipt.duplicate);
    assert_eq!((receipt.first, receipt.last), (Position(3), Position(4)));
    let next = commit(command(9), vec![write(&stream("b"), exact(2), 1)]);
    let receipt = append_one(&*copy, next).await.expect("a receipt");
    assert_eq!(receipt.first, Position(6));
}

/// A page that the database rejects leaves nothing, neither an event nor the id of the log.
pub async fn an_import_is_whole_or_absent(
    from: &dyn MaintenanceHarness,
    to: &dyn MaintenanceHarness,
) {
    let store = from.open().await.events;
    let log = written(&*store).await;
    let mut copied = records(&*from.maintain().await).await;
    copied[4].version = copied[3].version;
    let (database, copy) = (to.maintain().await, to.open().await.events);
    let before = copy.identify(&[]).await.expect("an identity");
    let doubled = database.import_records(log, Position::START, &copied);
    assert!(doubled.await.is_err(), "a doubled version");
    assert_eq!(copy.identify(&[]).await.expect("an identity"), before);
}

/// Records are imported only after the log's own last event.
pub async fn an_import_continues_only_its_own_log(
    from: &dyn MaintenanceHarness,
    to: &dyn MaintenanceHarness,
) {
    let store = from.open().await.events;
    let log = written(&*store).await;
    let copied = records(&*from.maintain().await).await;
    let database = to.maintain().await;
    assert_eq!(import(&*database, log, 0, &copied[..2]).await, Ok(()));
    for after in [0, 1, 3] {
        let moved = ImportRejected::Moved {
            expected: Position(after),
            actual: Position(2),
        };
        assert_eq!(
            import(&*database, log, after, &copied[2..]).await,
            Err(moved)
        );
    }
    let other = LogId(Uuid::from_u128(7));
    let rejected = ImportRejected::OtherLog {
        expected: other,
        found: log,
    };
    assert_eq!(
        import(&*database, other, 2, &copied[2..]).await,
        Err(rejected)
    );
    assert_eq!(records(&*database).await, copied[..2]);
}

/// A reader that waits for an imported event need not wait for its next poll.
pub async fn a_waiting_reader_is_woken_by_an_import(
    from: &dyn MaintenanceHarness,
    to: &dyn MaintenanceHarness,
) {
    let store = from.open().await.events;
    let log = written(&*store).await;
    let copied = records(&*from.maintain().await).await;
    let (reader, database) = (to.open().await.events, to.maintain().await);
    let waiting = tokio::time::timeout(TIMEOUT, reader.wait_for(Position(5)));
    let importing = import(&*database, log, 0, &copied);
    let (woken, imported) = tokio::join!(waiting, importing);
    assert_eq!(imported, Ok(()));
    let woken = woken.expect("woken").expect("the store is read");
    assert_eq!(woken, Position(5));
}

/// Snapshots are listed in the order of their keys, whatever the page size, and only selected ones are removed.
pub async fn snapshots_are_listed_in_pages_and_removed_by_selection(
    harness: &dyn MaintenanceHarness,
    _: &dyn MaintenanceHarness,
) {
    let (store, database) = (harness.open().await.events, harness.maintain().await);
    let others = StreamId::new("another", "a");
    let keys = [
        (others, 1),
        (stream("a"), 1),
        (stream("a"), 2),
        (stream("b"), 2),
    ];
    for (stream, schema_version) in keys.iter().rev() {
        let snapshot = Snapshot {
            stream: stream.clone(),
            version: Version(3),
            schema_version: *schema_version,
            state: "{}".to_owned(),
            created_at: moment(),
        };
        store
            .save_snapshot(&snapshot)
            .await
            .expect("a saved snapshot");
    }
    let list = async |selection: &SnapshotSelection| {
        let mut listed: Vec<SnapshotKey> = Vec::new();
        loop {
            let page = database.list_snapshots(selection, listed.last(), 1).await;
            let page = page.expect("a page");
            let Some(snapshot) = page.first() else {
                let listed = listed.into_iter();
                return listed
                    .map(|key| (key.stream, key.schema_version))
                    .collect::<Vec<_>>();
            };
            assert_eq!((page.len(), snapshot.version), (1, Version(3)));
            assert_eq!(snapshot.created_at, moment());
            listed.push(snapshot.into());
        }
    };
    let all = SnapshotSelection::default();
    let of_type = SnapshotSelection {
        stream_type: Some("conformance".to_owned()),
        ..all.clone()
    };
    let of_version = SnapshotSelection {
        schema_version: Some(2),
        ..of_type.clone()
    };
    let of_stream = SnapshotSelection {
        stream_id: Some("a".to_owned()),
        ..of_type.clone()
    };
    assert_eq!(list(&all).await, keys);
    assert_eq!(list(&of_type).await, keys[1..]);
    assert_eq!(list(&of_version).await, keys[2..]);
    assert_eq!(list(&of_stream).await, keys[1..3]);
    let remove = async |selection| database.remove_snapshots(selection).await.expect("a count");
    assert_eq!(remove(&of_version).await, 2);
    assert_eq!(list(&all).await, keys[..2]);
    assert_eq!(remove(&of_stream).await, 1);
    assert_eq!(remove(&all).await, 1);
    assert_eq!(list(&all).await, []);
}

/// The check of the database finds nothing in one that is whole.
pub async fn a_whole_database_has_no_problems(
    harness: &dyn MaintenanceHarness,
    _: &dyn MaintenanceHarness,
) {
    let (store, database) = (harness.open().await.events, harness.maintain().await);
    let problems = async || database.storage_problems().await.expect("a check");
    assert_eq!(problems().await, []);
    written(&*store).await;
    assert_eq!(problems().await, []);
}
