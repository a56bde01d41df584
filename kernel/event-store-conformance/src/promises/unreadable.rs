//! An event that cannot be read concerns its stream and the readers that follow it, and no others.

use event_sourcing::{Entry, EventStore, ExpectedVersion, Filter, LogPage, Position, Version};

use crate::Harness;
use crate::support::{accepted, command, commit, stream, write};

async fn page(store: &dyn EventStore, after: u64, filter: &Filter, limit: usize) -> LogPage {
    let page = store.read_all(Position(after), filter, limit).await;
    page.expect("one event that cannot be read fails no page")
}

/// Whatever part of an event cannot be read, it stands in its place in the page, with its position, stream, version,
/// type and a reason; the rest of the page is whole, the page says how far it read, and filters see its types.
pub async fn an_unreadable_event_fails_no_page(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (whole, hurt) = (stream("whole"), stream("hurt"));
    let mut way = 0;
    loop {
        let base = way as u64 * 6;
        for (number, stream) in [(0, &hurt), (1, &whole)] {
            let id = command(way as u64 * 3 + number);
            accepted(
                store,
                commit(id, vec![write(stream, ExpectedVersion::Any, 2)]),
            )
            .await;
        }
        let damaged = Position(base + 2);
        if !harness.damage(damaged, way).await {
            break;
        }
        let all = page(store, base, &Filter::ALL, 4).await;
        let positions: Vec<_> = all.entries.iter().map(|entry| entry.position().0).collect();
        assert_eq!(
            positions,
            [base + 1, base + 2, base + 3, base + 4],
            "way {way}"
        );
        assert_eq!(
            (all.read_up_to, all.head),
            (Position(base + 4), Position(base + 4))
        );
        assert_eq!(all.events().count(), 3, "way {way}");
        let Entry::Unreadable(unreadable) = &all.entries[1] else {
            panic!("way {way} can be read: {:?}", all.entries[1]);
        };
        assert_eq!(unreadable.stream, hurt);
        assert_eq!(unreadable.version, Version(way as u64 * 3 + 2));
        assert_eq!(unreadable.event_type, "Noted");
        assert!(!unreadable.reason.is_empty());

        let full = page(store, base, &Filter::ALL, 2).await;
        assert_eq!(full.read_up_to, damaged, "it counts into the limit");
        let noted = page(store, base, &Filter::of_types(&["Noted"]), 4).await;
        assert_eq!(noted.entries, all.entries, "it is filtered by its type");
        let others = page(store, base, &Filter::of_types(&["Never"]), 4).await;
        assert_eq!((others.entries.len(), others.read_up_to), (0, all.head));

        // The damaged event is its stream's last. That stops neither the stream nor its neighbours in a batch.
        let writes = [&whole, &hurt].map(|stream| write(stream, ExpectedVersion::Any, 1));
        let id = command(way as u64 * 3 + 2);
        accepted(store, commit(id, writes.into())).await;
        way += 1;
    }
    assert!(way > 0, "an event can be damaged in some way");

    // Each way hurt one event of the stream; the other stream has none.
    let page = store.read_stream(&hurt, Version::NONE, 1_000).await;
    let page = page.expect("one event that cannot be read fails no page");
    assert_eq!(page.unreadable.len(), way);
    assert_eq!(page.events.len(), way * 2 + 2);
    assert_eq!(page.unreadable[0].version, Version(2));
    assert!(page.unreadable.iter().all(|event| event.stream == hurt));
    let page = store.read_stream(&hurt, Version::NONE, 2).await;
    let page = page.expect("one event that cannot be read fails no page");
    assert_eq!(
        (page.events.len(), page.unreadable.len(), page.is_end),
        (1, 1, false)
    );
    let page = store.read_stream(&whole, Version::NONE, 1_000).await;
    assert!(page.expect("a page").unreadable.is_empty());
}

/// A repeat of a command whose event cannot be read fails no other commit of its batch.
pub async fn a_repeat_of_an_unreadable_event_fails_no_batch(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let mut way = 0;
    loop {
        let number = way as u64 * 2;
        let hurt = stream(format!("hurt {way}"));
        let first = commit(command(number), vec![write(&hurt, ExpectedVersion::Any, 1)]);
        let receipt = accepted(store, first.clone()).await;
        if !harness.damage(receipt.first, way).await {
            break;
        }
        let other = write(&stream("other"), ExpectedVersion::Any, 1);
        let other = commit(command(number + 1), vec![other]);
        let answers = store.append(&[first, other]).await;
        let answers = answers.expect("the batch is answered");
        assert!(answers[1].is_ok(), "way {way}: {:?}", answers[1]);
        way += 1;
    }
    assert!(way > 0, "an event can be damaged in some way");
}
