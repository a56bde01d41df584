//! How far the checkpoints are, as this process knows them.
//!
//! Three sources move the feed, and each alone would do: the runner in this process tells it after its commit,
//! PostgreSQL notifies on behalf of runners in other processes, and a poll reads the checkpoints themselves. A
//! notification is a hint to read them now and no more, for anybody may send one. The poll stays because a notification
//! can be lost with its connection, and because only a read *confirms*: what was seen at a position is known to be all
//! there was at the moment `as_of`.

mod reading;

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;

use event_sourcing::Position;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::checkpoint::{Checkpoint, Floor};
use crate::version::ProjectionVersion;

pub use reading::{IDLE_POLL_INTERVAL, POLL_INTERVAL};

/// The channel that PostgreSQL notifies, as an expression. It carries the schema, because one database may hold several
/// read models; a long one is cut off where a name ends.
pub(crate) const CHANNEL: &str = "('read_model_' || current_schema())::name::text";

/// Tells readers how far each projection is.
#[derive(Debug, Default)]
pub struct CheckpointWatcher {
    checkpoints: Mutex<HashMap<ProjectionVersion, watch::Sender<Checkpoint>>>,
    demands: Mutex<HashMap<ProjectionVersion, watch::Sender<Position>>>,
    reading: tokio::sync::Mutex<()>,
    /// Whether somebody has read since the last poll.
    is_read: AtomicBool,
    read: Notify,
}

impl CheckpointWatcher {
    /// Follows a projection's checkpoint. The value moves when the position moves, and with every confirmation.
    #[must_use]
    pub fn follow(&self, projection: ProjectionVersion) -> watch::Receiver<Checkpoint> {
        self.with(projection, watch::Sender::subscribe)
    }

    /// A reader waits for the projection to come to `position`: a runner in this process need not rest before it has.
    /// Only the last demand counts, so that one for a position that never comes is soon forgotten.
    pub fn request(&self, projection: ProjectionVersion, position: Position) {
        self.with_demand(projection, |sender| sender.send_replace(position));
    }

    /// The position that a reader waited for last.
    pub(crate) fn demanded(&self, projection: ProjectionVersion) -> watch::Receiver<Position> {
        self.with_demand(projection, watch::Sender::subscribe)
    }

    /// A checkpoint that was committed in this process.
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

    /// What this process must see before it answers from the rows.
    pub(crate) fn require(&self, projection: ProjectionVersion, floor: Floor) {
        self.with(projection, |sender| {
            sender.send_modify(|checkpoint| checkpoint.require(floor));
        });
    }

    /// Whether a look may show more than is known. A notification is a hint, which anybody may send; positions come from
    /// the tables.
    fn may_be_news(&self, payload: &str) -> bool {
        let Some((projection, generation, position)) = parse(payload) else {
            return true;
        };
        let checkpoints = self.checkpoints.lock();
        let mut versions = checkpoints
            .iter()
            .filter(|(version, _)| version.name == projection)
            .peekable();
        // A projection that is not followed here is not known either.
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

    /// The versions of a projection that are followed in this process.
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
        with_sender(&self.demands, projection, Position::START, use_it)
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

/// What a notification says.
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
    fn a_notification_is_read_back() {
        let text = payload("products", 3, Position(17));
        assert_eq!(parse(&text), Some(("products", 3, Position(17))));
        assert_eq!(parse("products 3"), None);
    }
}
