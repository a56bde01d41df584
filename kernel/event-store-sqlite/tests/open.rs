//! Opening, locking and reopening a store, and its settings in the file.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests may fail as tests do"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use event_sourcing::clock::ManualClock;
use event_sourcing::{
    CommandId, Commit, EncodedEvent, EventStore, ExpectedVersion, Filter, LeaseStore, Metadata,
    NewEvent, Position, Snapshot, StoreError, StreamId, SystemClock, Token, Version, Write,
};
use event_store_sqlite::{OpenError, Settings, SqliteEventStore};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("below/events.db")
    }

    fn location(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    async fn try_open(&self) -> Result<SqliteEventStore, OpenError> {
        SqliteEventStore::open(&self.location(), Arc::new(SystemClock), Settings::default()).await
    }

    async fn open(&self) -> SqliteEventStore {
        self.try_open().await.unwrap()
    }

    async fn try_open_read_only(&self) -> Result<SqliteEventStore, OpenError> {
        let settings = Settings {
            poll_interval: Duration::from_millis(5),
            ..Settings::default()
        };
        SqliteEventStore::open_read_only(&self.location(), Arc::new(SystemClock), &settings).await
    }

    /// A connection as an operator opens one with the command line.
    async fn operator(&self) -> SqliteConnection {
        let path = self.path();
        SqliteConnection::connect(path.to_str().unwrap())
            .await
            .unwrap()
    }
}

fn stream() -> StreamId {
    StreamId::new("account", "a")
}

fn commit(number: u128) -> Commit {
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
    let at = DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap();
    Commit::try_new(CommandId(Uuid::from_u128(number)), at, vec![write], None).unwrap()
}

async fn append(store: &SqliteEventStore, number: u128) {
    let answers = store.append(&[commit(number)]).await.unwrap();
    assert!(answers[0].is_ok());
}

#[tokio::test]
async fn a_lease_of_a_clock_that_was_set_back_is_expired() {
    let place = Place::new();
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH + TimeDelta::days(1)));
    let open = SqliteEventStore::open(
        &place.location(),
        Arc::clone(&clock) as _,
        Settings::default(),
    );
    let store = open.await.unwrap();
    let names = [Arc::from("work")];
    let take = async |owner: &str| {
        let taken = store.acquire_leases(&names, owner, Duration::from_mins(1), None);
        taken.await.unwrap().first().map(|lease| lease.token)
    };
    assert_eq!(take("a").await, Some(Token(1)));
    assert_eq!(take("b").await, None);
    clock.advance(TimeDelta::minutes(-10));
    assert_eq!(take("b").await, Some(Token(2)));
    assert_eq!(take("a").await, None);
}

#[tokio::test]
async fn acknowledged_writes_survive_a_drop_and_a_close() {
    let place = Place::new();
    let lease: [Arc<str>; 1] = [Arc::from("work")];
    for round in 1..=4_u128 {
        let store = place.open().await;
        append(&store, round).await;
        let snapshot = Snapshot {
            stream: stream(),
            version: Version(u64::try_from(round).unwrap()),
            schema_version: 1,
            state: "{}".to_owned(),
            created_at: DateTime::UNIX_EPOCH,
        };
        store.save_snapshot(&snapshot).await.unwrap();
        let owner = format!("owner-{round}");
        let taken = store
            .acquire_leases(&lease, &owner, Duration::from_mins(1), None)
            .await
            .unwrap();
        assert_eq!(
            taken[0].token,
            Token(u64::try_from(round).unwrap()),
            "the token has grown"
        );
        store.release_leases(&lease, &owner).await.unwrap();
        if round % 2 == 0 {
            store.close().await.unwrap();
        }
    }
    let store = place.open().await;
    let page = store
        .read_all(Position::START, &Filter::ALL, 10)
        .await
        .unwrap();
    let numbers: Vec<_> = page.events().map(|event| event.data.clone()).collect();
    let expected = (1..=4).map(|number| format!("{{\"number\":{number}}}"));
    assert_eq!(numbers, expected.collect::<Vec<_>>());
    let standing = store
        .command_status(CommandId(Uuid::from_u128(3)), &[stream()])
        .await
        .unwrap();
    assert_eq!(standing.receipt.unwrap().first, Position(3));
    assert_eq!(standing.versions, [Version(4)]);
    let snapshot = store.load_snapshot(&stream(), 1).await.unwrap().unwrap();
    assert_eq!(snapshot.version, Version(4));
    let woken = store.wait_for(Position(4)).await.unwrap();
    assert_eq!(woken, Position(4), "a reopened store starts at its head");
}

#[tokio::test]
async fn a_second_writer_is_rejected_with_the_process_id_of_the_first() {
    let place = Place::new();
    let first = place.open().await;
    let rejected = place.try_open().await.unwrap_err();
    let pid = std::process::id();
    assert!(matches!(rejected, OpenError::InUse { holder: Some(holder), .. } if holder == pid));
    let message = rejected.to_string();
    assert!(
        message.ends_with(&format!("events.db is in use by process {pid}")),
        "{message}"
    );

    append(&first, 1).await;
    drop(first);
    append(&place.open().await, 2).await;
}

#[tokio::test]
async fn a_read_only_handle_follows_the_writer_and_cannot_write() {
    let place = Place::new();
    assert!(
        place.try_open_read_only().await.is_err(),
        "there is nothing to read yet"
    );
    assert!(!place.path().exists(), "reading does not create a file");

    let writer = place.open().await;
    append(&writer, 1).await;
    let reader = place.try_open_read_only().await.unwrap();
    assert_eq!(reader.head().await.unwrap(), Position(1));
    let waiting = reader.wait_for(Position(2));
    let (woken, ()) = tokio::join!(
        tokio::time::timeout(Duration::from_mins(1), waiting),
        async {
            append(&writer, 2).await;
        }
    );
    assert_eq!(
        woken.unwrap().unwrap(),
        Position(2),
        "the poll finds the new head"
    );

    let rejected = reader.append(&[commit(3)]).await.unwrap_err();
    assert!(matches!(rejected, StoreError::Failed { .. }), "{rejected}");
    let rejected = reader
        .renew_leases("reader", Duration::from_mins(1))
        .await
        .unwrap_err();
    assert!(!rejected.is_retryable());
    assert_eq!(writer.head().await.unwrap(), Position(2));

    writer.close().await.unwrap();
    drop(writer);
    let later = place.try_open_read_only().await.unwrap();
    assert_eq!(
        later.head().await.unwrap(),
        Position(2),
        "also without a writer"
    );
}

#[tokio::test]
async fn calls_after_a_close_return_an_error() {
    let place = Place::new();
    let store = place.open().await;
    append(&store, 1).await;
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert!(store.append(&[commit(2)]).await.is_err());
    assert!(store.head().await.is_err());
    let wal = place.path().with_extension("db-wal");
    assert!(
        !wal.exists(),
        "the write-ahead log was merged into the database"
    );
}

#[tokio::test]
async fn the_file_is_in_wal_mode_and_an_operator_can_read_its_tables() {
    let place = Place::new();
    let store = place.open().await;
    append(&store, 7).await;
    let mut operator = place.operator().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    let row: (i64, String, String, i64, String, String, String) = sqlx::query_as(
        "SELECT id, aggregate_type, aggregate_id, event_version, created_at, command_id, event_data
         FROM events",
    )
    .fetch_one(&mut operator)
    .await
    .unwrap();
    let expected = (
        1,
        "account".to_owned(),
        "a".to_owned(),
        1,
        "2023-11-14T22:13:20.000001Z".to_owned(),
        Uuid::from_u128(7).to_string(),
        "{\"number\":7}".to_owned(),
    );
    assert_eq!(row, expected);
}

#[tokio::test]
async fn a_newer_schema_is_rejected_only_if_it_excludes_this_binary() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let mut operator = place.operator().await;
    let added = "INSERT INTO event_store_migrations
        SELECT max(version) + 1, 'later', installed_on, true, x'00', 0 FROM event_store_migrations";
    sqlx::query(added).execute(&mut operator).await.unwrap();
    place.open().await.close().await.unwrap();

    sqlx::query("UPDATE event_store_schema SET oldest_binary = 3")
        .execute(&mut operator)
        .await
        .unwrap();
    let rejected = place.try_open().await.unwrap_err();
    assert!(
        matches!(rejected, OpenError::TooNew { oldest: 3, ours: 2 }),
        "{rejected}"
    );
    let rejected = place.try_open_read_only().await.unwrap_err();
    assert!(matches!(rejected, OpenError::TooNew { .. }), "{rejected}");
}

#[tokio::test]
async fn a_database_of_an_older_build_is_rejected_with_its_path() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let mut operator = place.operator().await;
    for older in [
        "UPDATE event_store_migrations SET version = version % 1000",
        "UPDATE event_store_schema SET oldest_binary = 1",
    ] {
        sqlx::query(older).execute(&mut operator).await.unwrap();
    }
    for rejected in [
        place.try_open().await.unwrap_err(),
        place.try_open_read_only().await.unwrap_err(),
    ] {
        let message = rejected.to_string();
        assert!(matches!(rejected, OpenError::OlderFormat(_)), "{message}");
        assert!(
            message.contains(&place.path().display().to_string()),
            "{message}"
        );
        assert!(
            message.contains("format 0") && message.contains("format 4"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_rejected() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().parent().unwrap()).unwrap();
    std::fs::write(
        place.path(),
        "this is not a database, it is a text of some length",
    )
    .unwrap();
    assert!(place.try_open().await.is_err());
    let text = std::fs::read_to_string(place.path()).unwrap();
    assert!(text.starts_with("this is not"), "the file is unchanged");
}

#[tokio::test]
async fn a_cancelled_append_leaves_the_store_usable() {
    let place = Place::new();
    let store = place.open().await;
    for number in 0..200 {
        let batch = [commit(number)];
        let append = store.append(&batch);
        let _ = futures::poll!(std::pin::pin!(append));
    }
    append(&store, 1_000).await;
    let page = store
        .read_all(Position::START, &Filter::ALL, 5_000)
        .await
        .unwrap();
    let positions: Vec<_> = page.events().map(|event| event.position.0).collect();
    assert_eq!(positions, (1..=page.head.0).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_rare_event_type_is_found_after_many_others() {
    let place = Place::new();
    let store = place.open().await;
    let mut operator = place.operator().await;
    append(&store, 1).await;
    let many = "WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM n WHERE n < 50000)
        INSERT INTO events SELECT n, iif(n = 45000, 'rare', 'account'), 'a', n, iif(n = 45000, 'Rare', 'Common'), 1,
            event_id, NULL, created_at, event_metadata, event_data FROM n, events WHERE id = 1";
    sqlx::query(many).execute(&mut operator).await.unwrap();

    for filter in [Filter::of_types(&["Rare"]), Filter::of_streams(&["rare"])] {
        let (mut after, mut found, mut pages) = (Position::START, Vec::new(), 0);
        while after < Position(50_000) {
            let page = store.read_all(after, &filter, 100).await.unwrap();
            assert!(page.read_up_to > after, "each page makes progress");
            after = page.read_up_to;
            found.extend(page.events().map(|event| event.position.0));
            pages += 1;
        }
        assert_eq!(found, [45_000]);
        assert!(pages > 1, "no page reads the whole log");
    }
}

#[tokio::test]
async fn the_log_id_is_the_same_after_reopening_and_in_a_copy() {
    let (place, copy) = (Place::new(), Place::new());
    let store = place.open().await;
    append(&store, 1).await;
    let first = store.identify(&[Position(1)]).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    std::fs::create_dir_all(copy.path().parent().unwrap()).unwrap();
    std::fs::copy(place.path(), copy.path()).unwrap();
    for place in [place, copy] {
        let again = place.open().await.identify(&[Position(1)]).await.unwrap();
        assert_eq!(again, first);
    }
}

#[tokio::test]
async fn a_reader_is_rejected_before_the_migration_has_run() {
    let place = Place::new();
    place.open().await.close().await.unwrap();
    let mut operator = place.operator().await;
    let drop = "DROP TABLE event_log_id";
    sqlx::query(drop).execute(&mut operator).await.unwrap();
    let rejected = place.try_open_read_only().await.unwrap_err();
    assert!(matches!(rejected, OpenError::NotMigrated), "{rejected}");
}
