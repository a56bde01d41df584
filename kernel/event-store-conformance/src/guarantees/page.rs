//! Reads return pages, which report the position that they were read up to.

use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{EventStore, ExpectedVersion, Filter, Position, StreamId, Version, Write};

use crate::Harness;
use crate::support::{
    accepted, command, commit, event, read_log, read_stream, stream, whole_log, write,
};

/// A log of ten events: `Rare` at positions 3 and 7, `Common` elsewhere.
async fn ten_events(store: &dyn EventStore) {
    let names = (1..=10).map(|n| if n == 3 || n == 7 { "Rare" } else { "Common" });
    let mixed = Write {
        stream: stream("mixed"),
        expected: ExpectedVersion::NoStream,
        events: names.map(|name| event(name, "{}")).collect(),
    };
    accepted(store, commit(command(1), vec![mixed])).await;
}

async fn page(
    store: &dyn EventStore,
    after: u64,
    filter: &Filter,
    limit: usize,
) -> (Vec<u64>, u64) {
    let page = store
        .read_all(Position(after), filter, limit)
        .await
        .expect("a page");
    assert_eq!(page.head, Position(10));
    let positions = page.entries.iter().map(|entry| entry.position().0);
    (positions.collect(), page.read_up_to.0)
}

/// `read_up_to` covers everything that the page scanned: it is the head at the end of the log, also if the filter
/// matched few events or none, and it is before the next matching event if the page is full.
pub async fn a_page_reports_the_position_it_was_read_up_to(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let empty = store
        .read_all(Position::START, &Filter::ALL, 10)
        .await
        .expect("a page");
    assert!(empty.entries.is_empty());
    assert_eq!(
        (empty.read_up_to, empty.head),
        (Position::START, Position::START)
    );

    ten_events(store).await;
    let rare = Filter::of_types(&["Rare"]);
    let never = Filter::of_types(&["Never"]);
    let both = Filter::of_types(&["Never", "Rare", "Common"]);
    assert_eq!(page(store, 0, &rare, 10).await, (vec![3, 7], 10));
    assert_eq!(page(store, 3, &rare, 10).await, (vec![7], 10));
    assert_eq!(page(store, 7, &rare, 10).await, (vec![], 10));
    assert_eq!(page(store, 0, &never, 10).await, (vec![], 10));
    assert_eq!(page(store, 10, &Filter::ALL, 10).await, (vec![], 10));
    assert_eq!(page(store, 8, &both, 10).await, (vec![9, 10], 10));

    let (positions, read_up_to) = page(store, 0, &rare, 1).await;
    assert_eq!(positions, [3]);
    assert!(
        (3..7).contains(&read_up_to),
        "a full page ends before the next event, at {read_up_to}"
    );
    assert_eq!(
        page(store, read_up_to, &rare, 1).await.0,
        [7],
        "the next event is not skipped"
    );
    assert_eq!(page(store, 2, &Filter::ALL, 4).await, (vec![3, 4, 5, 6], 6));
}

/// A filter by stream type selects every event of such streams except for the event types that it ignores there. A
/// filter by event type also selects events of other streams.
pub async fn a_filter_selects_streams_by_their_type(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    // Positions 1 to 12: streams of the types left, right and other in this order, each with A, B, C and D.
    for (number, stream_type) in ["left", "right", "other"].into_iter().enumerate() {
        let events = ["A", "B", "C", "D"].map(|name| event(name, "{}"));
        let all = Write {
            stream: StreamId::new(stream_type, "1"),
            expected: ExpectedVersion::NoStream,
            events: events.into(),
        };
        accepted(store, commit(command(number as u64), vec![all])).await;
    }
    let left = Filter::of_streams(&["left"]);
    let cases = [
        (left.clone(), vec![1, 2, 3, 4]),
        (left.clone().ignoring(&["B", "D"]), vec![1, 3]),
        (
            Filter::of_streams(&["left", "other"]),
            vec![1, 2, 3, 4, 9, 10, 11, 12],
        ),
        (
            Filter::of_streams(&["left", "other"]).ignoring(&["A"]),
            vec![2, 3, 4, 10, 11, 12],
        ),
        (
            left.clone()
                .ignoring(&["A"])
                .or(Filter::of_streams(&["right"])),
            vec![2, 3, 4, 5, 6, 7, 8],
        ),
        (
            left.clone().ignoring(&["A"]).or(Filter::of_types(&["A"])),
            vec![1, 2, 3, 4, 5, 9],
        ),
        (left.ignoring(&["A", "B", "C", "D"]), vec![]),
        (Filter::of_streams(&["none"]), vec![]),
    ];
    for (filter, expected) in cases {
        for limit in [1, 3, 100] {
            let events = read_log(store, &filter, limit).await;
            let positions: Vec<_> = events.iter().map(|event| event.position.0).collect();
            assert_eq!(positions, expected, "{filter:?} in pages of {limit}");
        }
    }
}

/// A page has at most the requested number of events, at least one if there is one, and never more than the store's
/// limit.
pub async fn a_page_keeps_its_limit(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let a = stream("a");
    let commits = (MAX_PAGE_EVENTS / 1_000 + 1) as u64;
    for number in 0..commits {
        accepted(
            store,
            commit(
                command(number),
                vec![write(&a, ExpectedVersion::Any, 1_000)],
            ),
        )
        .await;
    }
    for (asked, given) in [(0, 1), (1, 1), (7, 7), (usize::MAX, MAX_PAGE_EVENTS)] {
        let log = store
            .read_all(Position::START, &Filter::ALL, asked)
            .await
            .expect("a page");
        assert_eq!(
            log.entries.len(),
            given,
            "a page of the log with limit {asked}"
        );
        assert_eq!(log.read_up_to, Position(given as u64));
        let page = store
            .read_stream(&a, Version::NONE, asked)
            .await
            .expect("a page");
        assert_eq!(
            page.events.len(),
            given,
            "a page of the stream with limit {asked}"
        );
        assert!(!page.is_end);
    }
    let log = whole_log(store).await;
    assert_eq!(log.len() as u64, commits * 1_000);
    assert_eq!(
        read_log(store, &Filter::ALL, 900).await,
        log,
        "for any page size"
    );
}

/// The pages of a stream are ordered by version without gaps, have no events of other streams, and report the end of
/// the stream.
pub async fn a_stream_is_read_in_pages(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (a, b) = (stream("a"), stream("b"));
    for number in 0..5 {
        let writes = vec![
            write(&a, ExpectedVersion::Any, 2),
            write(&b, ExpectedVersion::Any, 1),
        ];
        accepted(store, commit(command(number), writes)).await;
    }
    let whole = read_stream(store, &a, 100).await;
    let versions: Vec<_> = whole.iter().map(|event| event.version.0).collect();
    assert_eq!(versions, (1..=10).collect::<Vec<_>>());
    assert!(whole.iter().all(|event| event.stream == a));
    for limit in [1, 3, 5, 10] {
        assert_eq!(
            read_stream(store, &a, limit).await,
            whole,
            "in pages of {limit}"
        );
    }
    for (after, limit, expected, is_end) in [
        (0, 3, 3, false),
        (7, 3, 3, true),
        (7, 9, 3, true),
        (10, 3, 0, true),
        (99, 3, 0, true),
    ] {
        let page = store
            .read_stream(&a, Version(after), limit)
            .await
            .expect("a page");
        assert_eq!(
            (page.events.len(), page.is_end),
            (expected, is_end),
            "{limit} after {after}"
        );
    }
}
