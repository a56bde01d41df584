//! A fence rejects a writer whose lease another owner has acquired.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{CommandId, Commit, ExpectedVersion, Fence, Lease, Rejected, Token, Version};

use super::lease::{TTL, take};
use crate::Harness;
use crate::support::{
    accepted, append, append_one, command, exact, fenced, stream, version, write,
};

fn fence(lease: &Lease) -> Fence {
    Fence {
        lease: Arc::clone(&lease.name),
        token: lease.token,
    }
}

fn noted(number: u64, fence: Fence) -> Commit {
    fenced(
        command(number),
        vec![write(&stream("a"), ExpectedVersion::Any, 1)],
        fence,
    )
}

/// A writer that was stopped for longer than its lease, and resumes as if it still held it, is rejected for any
/// expected version, alone and inside a batch. An expired lease that has no new owner does not reject its last holder.
pub async fn a_zombies_token_is_rejected(harness: &dyn Harness) {
    let (zombie, heir) = (harness.open().await, harness.open().await);
    let old = take(&zombie, "work", "zombie")
        .await
        .expect("the lease is free");
    accepted(&*zombie.events, noted(1, fence(&old))).await;
    harness.advance(TTL + Duration::from_secs(1)).await;
    accepted(&*zombie.events, noted(2, fence(&old))).await;

    let new = take(&heir, "work", "heir")
        .await
        .expect("the lease has expired");
    let rejected = append_one(&*zombie.events, noted(3, fence(&old))).await;
    assert_eq!(rejected, Err(Rejected::Fenced(fence(&old))));
    let batch = [
        noted(4, fence(&old)),
        noted(5, fence(&new)),
        noted(6, fence(&old)),
    ];
    let answers = append(&*zombie.events, &batch).await;
    let outcome: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(
        outcome,
        [false, true, false],
        "each commit by its own fence"
    );
    assert_eq!(version(&*heir.events, &stream("a")).await, Version(3));

    for (lease, token) in [("work", new.token.0 + 1), ("work", 0), ("unknown", 1)] {
        let wrong = Fence {
            lease: Arc::from(lease),
            token: Token(token),
        };
        let answer = append_one(&*heir.events, noted(7, wrong.clone())).await;
        assert_eq!(
            answer,
            Err(Rejected::Fenced(wrong)),
            "only the current token is accepted"
        );
    }
}

/// A repeat returns its receipt although its writer has lost the lease since. A wrong fence is reported before a wrong
/// expected version.
pub async fn the_fence_is_checked_after_the_command_id(harness: &dyn Harness) {
    let handle = harness.open().await;
    let store = &*handle.events;
    let old = take(&handle, "work", "one")
        .await
        .expect("the lease is free");
    let first = accepted(store, noted(1, fence(&old))).await;
    harness.advance(TTL + Duration::from_secs(1)).await;
    take(&handle, "work", "two")
        .await
        .expect("the lease has expired");

    let again = append_one(store, noted(1, fence(&old)))
        .await
        .expect("the first receipt");
    assert!(again.duplicate);
    assert_eq!(again.first, first.first);

    let stale = |id: CommandId| fenced(id, vec![write(&stream("a"), exact(9), 1)], fence(&old));
    let answer = append_one(store, stale(command(2))).await;
    assert_eq!(
        answer,
        Err(Rejected::Fenced(fence(&old))),
        "the fence is checked before the expectation"
    );
}
