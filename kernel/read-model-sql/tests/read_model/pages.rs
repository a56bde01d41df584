//! Rows and checkpoint change together, or not at all.

use event_sourcing::projection::{PageWrite, Parked, ProjectionStore};
use event_sourcing::{Position, Token};
use read_model_sql::{Database, SqlProjectionStore};

use crate::support::{Counter, Counters, Fresh, mark};

type Store = SqlProjectionStore<Counters>;

async fn store(database: &Database) -> Store {
    SqlProjectionStore::open(database.clone())
        .await
        .expect("a generation")
}

fn page(token: u64, from: u64, read_up_to: u64) -> PageWrite<Counter> {
    PageWrite {
        token: Token(token),
        from: Position(from),
        read_up_to: Position(read_up_to),
        mark: mark(read_up_to),
        caught_up: false,
        changes: Vec::new(),
        parked: None,
    }
}

fn keys(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_page_inserts_changes_and_deletes_rows_and_moves_the_checkpoint() {
    for fresh in Fresh::both().await {
        let store = store(&fresh.open().await).await;
        let progress = store.begin(Token(1)).await.expect("started").expect("ours");
        assert_eq!(progress.position, Position::START);
        let mut first = page(1, 0, 3);
        first.changes = ["a", "b", "c\"'\\\u{1F600}"]
            .map(|name| (name.to_owned(), Some(Counter::new(name, 1))))
            .to_vec();
        assert!(store.write(first).await.expect("written"));
        let mut second = page(1, 3, 9);
        let changed = Counter {
            note: Some("ünïcode \"quoted\"".to_owned()),
            count: i64::MAX,
            ..Counter::new("b", 0)
        };
        second.changes = vec![
            ("a".to_owned(), None),
            ("b".to_owned(), Some(changed.clone())),
            ("never there".to_owned(), None),
        ];
        assert!(store.write(second).await.expect("written"));

        let mut rows = store
            .load(&keys(&["a", "b", "c\"'\\\u{1F600}", "d"]))
            .await
            .expect("rows");
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        let found: Vec<Counter> = rows.into_iter().map(|(_, row)| row).collect();
        assert_eq!(found, [changed, Counter::new("c\"'\\\u{1F600}", 1)]);
        let progress = store.begin(Token(1)).await.expect("started").expect("ours");
        assert_eq!(progress.position, Position(9));
    }
}

#[tokio::test]
async fn a_page_with_another_token_or_start_writes_no_rows() {
    for fresh in Fresh::both().await {
        let store = store(&fresh.open().await).await;
        store.begin(Token(2)).await.expect("started").expect("ours");
        let row = || vec![("a".to_owned(), Some(Counter::new("a", 1)))];
        for (token, from) in [(1, 0), (3, 0), (2, 1)] {
            let mut wrong = page(token, from, 5);
            wrong.changes = row();
            assert!(
                !store.write(wrong).await.expect("a result"),
                "{token} {from}"
            );
        }
        assert!(store.load(&keys(&["a"])).await.expect("rows").is_empty());
        let mut right = page(2, 0, 5);
        right.changes = row();
        assert!(store.write(right).await.expect("written"));
        assert_eq!(store.load(&keys(&["a"])).await.expect("rows").len(), 1);
    }
}

#[tokio::test]
async fn an_older_token_can_neither_start_nor_write() {
    for fresh in Fresh::both().await {
        let ours = store(&fresh.open().await).await;
        let theirs = store(&fresh.open().await).await;
        ours.begin(Token(1)).await.expect("started").expect("ours");
        assert!(theirs.begin(Token(2)).await.expect("started").is_some());
        assert!(ours.begin(Token(1)).await.expect("a result").is_none());
        assert!(!ours.write(page(1, 0, 4)).await.expect("a result"));
        assert!(theirs.write(page(2, 0, 4)).await.expect("written"));
    }
}

#[tokio::test]
async fn two_writers_of_one_token_move_the_checkpoint_once() {
    let fresh = Fresh::postgres().await;
    let ours = store(&fresh.open().await).await;
    let theirs = store(&fresh.open().await).await;
    ours.begin(Token(1)).await.expect("started").expect("ours");
    for from in 0..50 {
        let (one, other) = tokio::join!(
            ours.write(page(1, from, from + 1)),
            theirs.write(page(1, from, from + 1))
        );
        assert!(one.expect("a result") ^ other.expect("a result"));
    }
}

#[tokio::test]
async fn a_projection_is_parked_until_a_page_passes_the_event() {
    for fresh in Fresh::both().await {
        let store = store(&fresh.open().await).await;
        store.begin(Token(1)).await.expect("started").expect("ours");
        let parked = Parked {
            position: Position(8),
            reason: "unreadable".to_owned(),
        };
        let mut last = page(1, 0, 7);
        last.parked = Some(parked.clone());
        assert!(store.write(last).await.expect("written"));
        // The progress can be read without the lease.
        let progress = store.progress().await.expect("the progress");
        assert_eq!(progress.position, Position(7));
        assert_eq!(progress.parked.as_ref(), Some(&parked));
        let taken_over = store
            .begin(Token(2))
            .await
            .expect("a result")
            .expect("ours");
        assert_eq!(taken_over, progress);
        // Another attempt at the same event records the new reason and leaves the position.
        let mut again = page(2, 7, 7);
        again.parked = Some(Parked {
            reason: "still unreadable".to_owned(),
            ..parked
        });
        assert!(store.write(again.clone()).await.expect("written"));
        let progress = store.progress().await.expect("the progress");
        assert_eq!(
            (progress.position, progress.parked),
            (Position(7), again.parked)
        );
        assert!(store.write(page(2, 7, 9)).await.expect("written"));
        let progress = store.progress().await.expect("the progress");
        assert_eq!((progress.position, progress.parked), (Position(9), None));
    }
}

#[tokio::test]
async fn one_statement_writes_or_loads_many_rows() {
    for fresh in Fresh::both().await {
        let store = store(&fresh.open().await).await;
        store.begin(Token(1)).await.expect("started").expect("ours");
        let names: Vec<String> = (0..5_000).map(|number| format!("row {number}")).collect();
        let mut large = page(1, 0, 5_000);
        large.changes = names
            .iter()
            .map(|name| (name.clone(), Some(Counter::new(name, 1))))
            .collect();
        assert!(store.write(large).await.expect("written"));
        assert_eq!(store.load(&names).await.expect("rows").len(), 5_000);
    }
}
