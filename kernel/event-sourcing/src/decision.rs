//! The operators' decisions about subscribers of the log, stored as events, in one stream per subscriber.
//!
//! A subscriber that is parked before an event would never reach a later decision by reading the log. Its decisions are
//! therefore in a stream of their own, which is read independently of its position. Because they are in the log, every
//! process and every rebuild obeys them, and they record the operator, the time and the reason.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::event::StoredEvent;
use crate::fields;
use crate::id::{Position, Version};
use crate::store::{EventStore, StoreError, Unreadable};
use crate::stream::StreamId;

/// The page size of reading decisions.
const PAGE: usize = 500;

/// The author of a decision, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name of an operator, a user, or a component of the program.
    pub id: String,
    /// The reason, for operators.
    pub reason: String,
}

/// A decision, as listed for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<E> {
    /// Its position in the log.
    pub position: Position,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The decision.
    pub event: E,
}

/// The readable decisions of a stream, oldest first. Unreadable ones are omitted.
pub(crate) async fn all<E: StoredEvent>(
    log: &dyn EventStore,
    stream: &StreamId,
) -> Result<Vec<Decision<E>>, StoreError> {
    let mut after = Version::NONE;
    read(log, stream, &mut after, |_| {}).await
}

/// The readable decisions after the version `after`, which is advanced to the last one. Unreadable ones are reported
/// and skipped.
async fn read<E: StoredEvent>(
    log: &dyn EventStore,
    stream: &StreamId,
    after: &mut Version,
    report: impl Fn(&Unreadable),
) -> Result<Vec<Decision<E>>, StoreError> {
    let mut decisions = Vec::new();
    loop {
        let page = log.read_stream(stream, *after, PAGE).await?;
        for unreadable in &page.unreadable {
            *after = unreadable.version.max(*after);
            report(unreadable);
        }
        for envelope in page.events {
            *after = envelope.version.max(*after);
            match envelope.decode() {
                Ok(event) => decisions.push(Decision {
                    position: envelope.position,
                    at: envelope.recorded_at,
                    event,
                }),
                Err(error) => report(&Unreadable {
                    reason: error.to_string(),
                    position: envelope.position,
                    version: envelope.version,
                    event_type: envelope.event_type,
                    stream: envelope.stream,
                }),
            }
        }
        if page.is_end {
            return Ok(decisions);
        }
    }
}

/// The decisions about one subscriber, as far as it has read them.
#[derive(Clone, Debug)]
pub(crate) struct Decisions<A: Aggregate> {
    stream: StreamId,
    control: Arc<A>,
    version: Version,
}

impl<A: Aggregate> Decisions<A> {
    pub(crate) fn about(follower: &str) -> Self {
        Self {
            stream: A::stream(follower),
            control: Arc::default(),
            version: Version::NONE,
        }
    }

    /// Reads the new decisions. On an error the state stays as it was.
    pub(crate) async fn refresh(&mut self, log: &dyn EventStore) -> Result<(), StoreError> {
        let mut version = self.version;
        let decisions: Vec<Decision<A::Event>> =
            read(log, &self.stream, &mut version, report).await?;
        if !decisions.is_empty() {
            let control = Arc::make_mut(&mut self.control);
            for decision in decisions {
                control.evolve(&decision.event, decision.at);
            }
        }
        self.version = version;
        Ok(())
    }

    /// The state folded from the decisions.
    pub(crate) fn control(&self) -> &Arc<A> {
        &self.control
    }
}

/// The reader of decisions, as a metric label.
pub(crate) const READER: &str = "decisions";

/// An unreadable decision is not obeyed: the subscriber stays as it was, and the error is logged and counted.
fn report(unreadable: &Unreadable) {
    metrics::counter!("events_unreadable_total", "reader" => READER).increment(1);
    tracing::error!(
        { fields::STREAM } = %unreadable.stream,
        { fields::POSITION } = unreadable.position.0,
        { fields::EVENT_TYPE } = unreadable.event_type,
        { fields::REASON } = unreadable.reason,
        "an operator's decision cannot be read"
    );
}
