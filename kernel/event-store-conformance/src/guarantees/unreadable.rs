//! An unreadable event affects only its stream and the readers that follow it.

use event_sourcing::{Entry, EventStore, ExpectedVersion, Filter, LogPage, Position, Version};

use crate::Harness;
use crate::support::{accepted, command, commit, stream, write};

async fn page(store: &dyn EventStore, after: u64, filter: &Filter, limit: usize) -> LogPage {
    let page = store.read_all(Position(after), filter, limit).await;
    page.expect("an unreadable event does not fail its page")
}

/// An event with any damaged part is in its place in the page, with its position, stream, version, type and a reason.
/// The other events of the page are complete, the page reports the position that it was read up to, and filters still
/// match.
pub async fn an_unreadable_event_fails_no_page(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let (whole, hurt) = (stream("whole"), stream("hurt"));
    let mut variant = 0;
    loop {
        let base = variant as u64 * 6;
        for (number, stream) in [(0, &hurt), (1, &whole)] {
            let id = command(variant as u64 * 3 + number);
            accepted(
                store,
                commit(id, vec![write(stream, ExpectedVersion::Any, 2)]),
            )
            .await;
        }
        let damaged = Position(base + 2);
        if !harness.damage(damaged, variant).await {
            break;
        }
        let all = page(store, base, &Filter::ALL, 4).await;
        let positions: Vec<_> = all.entries.iter().map(|entry| entry.position().0).collect();
        assert_eq!(
            positions,
            [base + 1, base + 2, base + 3, base + 4],
            "variant {variant}"
        );
        assert_eq!(
            (all.read_up_to, all.head),
            (Position(base + 4), Position(base + 4))
        );
        assert_eq!(all.events().count(), 3, "variant {variant}");
        let Entry::Unreadable(unreadable) = &all.entries[1] else {
            panic!("variant {variant} can be read: {:?}", all.entries[1]);
        };
        assert_eq!(unreadable.stream, hurt);
        assert_eq!(unreadable.version, Version(variant as u64 * 3 + 2));
        assert_eq!(unreadable.event_type, "Noted");
        assert!(!unreadable.reason.is_empty());

        let full = page(store, base, &Filter::ALL, 2).await;
        assert_eq!(full.read_up_to, damaged, "it counts towards the limit");
        let noted = page(store, base, &Filter::of_types(&["Noted"]), 4).await;
        assert_eq!(noted.entries, all.entries, "it is filtered by its type");
        let others = page(store, base, &Filter::of_types(&["Never"]), 4).await;
        assert_eq!((others.entries.len(), others.read_up_to), (0, all.head));

        // The damaged event is the last one of its stream. Commits to the stream, and to others in the same batch,
        // still succeed.
        let writes = [&whole, &hurt].map(|stream| write(stream, ExpectedVersion::Any, 1));
        let id = command(variant as u64 * 3 + 2);
        accepted(store, commit(id, writes.into())).await;
        variant += 1;
    }
    assert!(variant > 0, "there is at least one variant of damage");

    // Each variant damaged one event of the stream; the other stream has no damaged event.
    let page = store.read_stream(&hurt, Version::NONE, 1_000).await;
    let page = page.expect("an unreadable event does not fail its page");
    assert_eq!(page.unreadable.len(), variant);
    assert_eq!(page.events.len(), variant * 2 + 2);
    assert_eq!(page.unreadable[0].version, Version(2));
    assert!(page.unreadable.iter().all(|event| event.stream == hurt));
    let page = store.read_stream(&hurt, Version::NONE, 2).await;
    let page = page.expect("an unreadable event does not fail its page");
    assert_eq!(
        (page.events.len(), page.unreadable.len(), page.is_end),
        (1, 1, false)
    );
    let page = store.read_stream(&whole, Version::NONE, 1_000).await;
    assert!(page.expect("a page").unreadable.is_empty());
}

/// A repeat of a command with an unreadable event does not fail the other commits of its batch.
pub async fn a_repeat_of_an_unreadable_event_fails_no_batch(harness: &dyn Harness) {
    let store = &*harness.open().await.events;
    let mut variant = 0;
    loop {
        let number = variant as u64 * 2;
        let hurt = stream(format!("hurt {variant}"));
        let first = commit(command(number), vec![write(&hurt, ExpectedVersion::Any, 1)]);
        let receipt = accepted(store, first.clone()).await;
        if !harness.damage(receipt.first, variant).await {
            break;
        }
        let other = write(&stream("other"), ExpectedVersion::Any, 1);
        let other = commit(command(number + 1), vec![other]);
        let answers = store.append(&[first, other]).await;
        let answers = answers.expect("the append returns results");
        assert!(answers[1].is_ok(), "variant {variant}: {:?}", answers[1]);
        variant += 1;
    }
    assert!(variant > 0, "there is at least one variant of damage");
}
