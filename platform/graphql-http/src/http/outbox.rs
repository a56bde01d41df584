//! The messages of one connection that were not sent yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::newest_position::NewestPosition;

/// The maximum number of waiting messages. A client that is slower is disconnected.
const MAX_ITEMS: usize = 256;
/// The maximum size of the waiting messages. One message may be larger if it is the only one.
const MAX_BYTES: usize = 1 << 20;
/// How long a subscription that catches up waits for its client.
const ROOM_TIMEOUT: Duration = Duration::from_secs(10);

/// A message of an operation, which has this number on its connection.
#[derive(Clone, Debug)]
pub enum Item {
    /// A result, and its position if it is a message of a subscription.
    Next {
        /// Its operation.
        operation: u64,
        /// The position of its change.
        position: Option<u64>,
        /// The JSON of the result.
        body: Bytes,
    },
    /// The operation has failed; the body is a list of errors.
    Error { operation: u64, body: Bytes },
    /// There are no more messages.
    Complete { operation: u64 },
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Next { body, .. } | Self::Error { body, .. } => body.len(),
            Self::Complete { .. } => 0,
        }
    }
}

/// The sending half of a connection's messages. Cheap to clone; clones share their limits.
#[derive(Clone, Debug)]
pub struct Outbox {
    sender: mpsc::Sender<Item>,
    shared: Arc<Shared>,
}

/// The receiving half of a connection's messages.
#[derive(Debug)]
pub struct Inbox {
    receiver: mpsc::Receiver<Item>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    /// A message was taken.
    drained: Notify,
    too_slow: CancellationToken,
    /// The newest position of any message.
    shown: NewestPosition,
}

impl Shared {
    fn take(&self, item: &Item) {
        self.bytes.fetch_sub(item.size(), Relaxed);
        self.drained.notify_waiters();
    }
}

/// An outbox and its inbox.
pub fn outbox() -> (Outbox, Inbox) {
    let (sender, receiver) = mpsc::channel(MAX_ITEMS);
    let shared = Arc::new(Shared::default());
    let inbox = Inbox {
        receiver,
        shared: Arc::clone(&shared),
    };
    (Outbox { sender, shared }, inbox)
}

impl Outbox {
    /// Adds a message without waiting. If there is no room, the connection is marked as too slow, and gets none of those
    /// after it either: a client resumes after the last message that it got.
    pub fn push(&self, item: Item) {
        if let Item::Next { position, .. } = item {
            self.show_position(position);
        }
        if self.shared.too_slow.is_cancelled() {
            return;
        }
        if !self.has_room(item.size()) {
            self.shared.too_slow.cancel();
            return;
        }
        let size = item.size();
        self.shared.bytes.fetch_add(size, Relaxed);
        if self.sender.try_send(item).is_err() {
            self.shared.bytes.fetch_sub(size, Relaxed);
            self.shared.too_slow.cancel();
        }
    }

    /// Waits until half of the outbox is empty and messages of this size fit. If that takes too long, the connection is
    /// marked as too slow. Returns whether there is room.
    pub async fn room(&self, size: usize) -> bool {
        let drained = async {
            loop {
                let mut drained = std::pin::pin!(self.shared.drained.notified());
                // Before the check, so that no change after it is missed.
                drained.as_mut().enable();
                if self.has_room(size) && self.sender.capacity() >= MAX_ITEMS / 2 {
                    return;
                }
                drained.await;
            }
        };
        if tokio::time::timeout(ROOM_TIMEOUT, drained).await.is_err() {
            self.shared.too_slow.cancel();
        }
        !self.shared.too_slow.is_cancelled()
    }

    /// Records the position that a message of the connection reflects.
    pub fn show_position(&self, position: Option<u64>) {
        if let Some(position) = position {
            self.shared.shown.note(position);
        }
    }

    /// The newest position that a message of the connection reflects.
    #[must_use]
    pub fn shown_position(&self) -> Option<u64> {
        self.shared.shown.get()
    }

    fn has_room(&self, size: usize) -> bool {
        let waiting = self.shared.bytes.load(Relaxed);
        waiting == 0 || waiting + size <= MAX_BYTES
    }
}

impl Inbox {
    /// The next message. Dropping the call loses nothing.
    pub async fn next(&mut self) -> Option<Item> {
        let item = self.receiver.recv().await?;
        self.shared.take(&item);
        Some(item)
    }

    /// The next message, if there is one already.
    pub fn try_next(&mut self) -> Option<Item> {
        let item = self.receiver.try_recv().ok()?;
        self.shared.take(&item);
        Some(item)
    }

    /// Cancelled when the client reads too slowly.
    pub fn too_slow(&self) -> CancellationToken {
        self.shared.too_slow.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(size: usize) -> Item {
        Item::Next {
            operation: 1,
            position: Some(1),
            body: vec![0; size].into(),
        }
    }

    #[tokio::test]
    async fn more_messages_than_the_limit_are_too_slow() {
        let (outbox, mut inbox) = outbox();
        for _ in 0..MAX_ITEMS {
            outbox.push(item(1));
        }
        assert!(!inbox.too_slow().is_cancelled());
        inbox.next().await.expect("a message");
        outbox.push(item(1));
        assert!(!inbox.too_slow().is_cancelled());
        outbox.push(item(1));
        assert!(inbox.too_slow().is_cancelled());
    }

    #[tokio::test]
    async fn more_bytes_than_the_limit_are_too_slow() {
        let (outbox, mut inbox) = outbox();
        outbox.push(item(2 * MAX_BYTES));
        assert!(!inbox.too_slow().is_cancelled(), "it is the only one");
        inbox.next().await.expect("a message");
        outbox.push(item(MAX_BYTES));
        outbox.push(item(1));
        assert!(inbox.too_slow().is_cancelled());
    }

    #[tokio::test]
    async fn after_a_message_that_did_not_fit_there_is_none() {
        let (outbox, mut inbox) = outbox();
        outbox.push(item(MAX_BYTES - 1));
        outbox.push(item(2));
        assert!(inbox.too_slow().is_cancelled());
        outbox.push(item(1));
        assert!(inbox.try_next().is_some());
        assert!(inbox.try_next().is_none(), "it would be after a gap");
    }

    #[tokio::test]
    async fn room_for_large_messages_is_waited_for() {
        let (outbox, mut inbox) = outbox();
        outbox.push(item(MAX_BYTES));
        let waiting = outbox.clone();
        let waiting = tokio::spawn(async move { waiting.room(MAX_BYTES).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        inbox.next().await.expect("a message");
        assert!(waiting.await.expect("no panic"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscription_that_catches_up_waits_for_room() {
        let (outbox, mut inbox) = outbox();
        for _ in 0..MAX_ITEMS {
            outbox.push(item(1));
        }
        let waiting = outbox.clone();
        let waiting = tokio::spawn(async move { waiting.room(1).await });
        for _ in 0..MAX_ITEMS / 2 {
            inbox.next().await.expect("a message");
        }
        assert!(waiting.await.expect("no panic"));
        for _ in 0..MAX_ITEMS / 2 {
            outbox.push(item(1));
        }
        assert!(!outbox.room(1).await, "nothing is read");
        assert!(inbox.too_slow().is_cancelled());
    }
}
