//! Publishes the checkpoints to the readers of this process.
//!
//! It has three sources: the runner in this process reports each commit, PostgreSQL notifies about runners in other
//! processes, and a poll reads the checkpoints. A notification is only a hint to read them now, because any client may
//! send one. The poll is needed because notifications are lost when a connection breaks, and because only a read
//! *confirms* a position: it was the checkpoint at the time `as_of`.

mod reading;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use event_sourcing::Position;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::checkpoint::{Checkpoint, Floor};
use crate::version::ProjectionVersion;

pub use reading::{IDLE_POLL_INTERVAL, POLL_INTERVAL};

/// The channel of PostgreSQL's notifications, as an SQL expression. It contains the schema, because one database may
/// hold several read models; a long one is truncated to the length of a name.
pub(crate) const CHANNEL: &str = "('read_model_' || current_schema())::name::text";

/// Publishes the checkpoint of each projection to readers.
#[derive(Debug, Default)]
pub struct CheckpointWatcher {
    checkpoints: Mutex<HashMap<ProjectionVersion, watch::Sender<Checkpoint>>>,
    requests: Mutex<HashMap<ProjectionVersion, watch::Sender<Position>>>,
    reading: tokio::sync::Mutex<()>,
    /// Whether a reader was active since the last poll.
    is_read: AtomicBool,
    read: Notify,
}

impl CheckpointWatcher {
    /// Subscribes to a projection's checkpoint. The value changes with the position and with every confirmation.
    #[must_use]
    pub fn follow(&self, projection: ProjectionVersion) -> watch::Receiver<Checkpoint> {
        self.with(projection, watch::Sender::subscribe)
    }

    /// Records that a reader waits for `position`, so that a runner in this process does not linger before it has
    /// reached it. Only the last request counts, so that one for a position that is never reached has no lasting
    /// effect.
    pub fn request(&self, projection: ProjectionVersion, position: Position) {
        // Stored also without a subscriber: the runner may subscribe after the request.
        self.with_demand(projection, |sender| sender.send_replace(position));
    }

    /// The position of the last request.
    pub(crate) fn requested_position(
        &self,
        projection: ProjectionVersion,
    ) -> watch::Receiver<Position> {
        self.with_demand(projection, watch::Sender::subscribe)
    }

    /// Publishes a checkpoint that was committed in this process.
    pub(crate) fn observe(
        &self,
        projection: ProjectionVersion,
        generation: i64,
        position: Position,
        is_built: bool,
    ) {
        self.with(projection, |sender| {
            sender
                .send_if_modified(|checkpoint| checkpoint.observe(generation, position, is_built));
        });
    }

    /// Sets what the rows must reach before this process reads them.
    pub(crate) fn require(&self, projection: ProjectionVersion, floor: Floor) {
        // Stored also without a subscriber, and kept by every read: a reader that follows later finds it.
        self.with(projection, |sender| {
            sender.send_modify(|checkpoint| checkpoint.require(floor));
        });
    }

    /// Publishes whether an operator has paused the projection.
    pub(crate) fn set_paused(&self, projection: ProjectionVersion, is_paused: bool) {
        self.with(projection, |sender| {
            sender.send_modify(|checkpoint| checkpoint.set_paused(is_paused));
        });
    }

    /// Whether a read may return a higher position. A notification is only a hint, which any client may send; positions
    /// are read from the tables.
    fn may_be_newer(&self, payload: &str) -> bool {
        let Some((projection, generation, position)) = parse(payload) else {
            return true;
        };
        let checkpoints = self.checkpoints.lock();
        let mut versions = checkpoints
            .iter()
            .filter(|(version, _)| version.name == projection)
            .peekable();
        // Nothing is known about a projection without subscribers here.
        versions.peek().is_none()
            || versions.any(|(_, sender)| {
                let known = sender.borrow();
                known.generation == generation && known.position < position
            })
    }

    fn with<T>(
        &self,
        projection: ProjectionVersion,
        use_it: impl FnOnce(&watch::Sender<Checkpoint>) -> T,
    ) -> T {
        with_sender(&self.checkpoints, projection, Checkpoint::UNKNOWN, use_it)
    }

    /// Visits the versions of a projection that have subscribers in this process.
    fn each_version(&self, projection: &str, use_it: impl Fn(u32, &watch::Sender<Checkpoint>)) {
        let checkpoints = self.checkpoints.lock();
        let versions = checkpoints.iter();
        for (version, sender) in versions.filter(|(version, _)| version.name == projection) {
            use_it(version.version, sender);
        }
    }

    fn with_demand<T>(
        &self,
        projection: ProjectionVersion,
        use_it: impl FnOnce(&watch::Sender<Position>) -> T,
    ) -> T {
        with_sender(&self.requests, projection, Position::START, use_it)
    }
}

fn with_sender<V, T>(
    senders: &Mutex<HashMap<ProjectionVersion, watch::Sender<V>>>,
    projection: ProjectionVersion,
    first: V,
    use_it: impl FnOnce(&watch::Sender<V>) -> T,
) -> T {
    let mut senders = senders.lock();
    let sender = senders
        .entry(projection)
        .or_insert_with(|| watch::Sender::new(first));
    use_it(sender)
}

/// The payload of a notification.
pub(crate) fn payload(projection: &str, generation: i64, position: Position) -> String {
    format!("{projection} {generation} {position}")
}

fn parse(payload: &str) -> Option<(&str, i64, Position)> {
    let mut parts = payload.split(' ');
    let name = parts.next()?;
    let generation = parts.next()?.parse().ok()?;
    let position = parts.next()?.parse().ok()?;
    Some((name, generation, Position(position)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_parsed_back() {
        let text = payload("products", 3, Position(17));
        assert_eq!(parse(&text), Some(("products", 3, Position(17))));
        assert_eq!(parse("products 3"), None);
    }
}
