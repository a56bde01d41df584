//! What operators decide about who follows the log: events of the log, in one stream for each follower.
//!
//! A follower that stands in front of an event never comes to a decision by reading on. Its decisions are therefore a
//! stream of their own, which is read apart from its position. Since they are in the log, every process and every
//! rebuild obeys them, and they say who decided, when and why.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::event::StoredEvent;
use crate::fields;
use crate::id::{Position, Version};
use crate::store::{EventStore, StoreError, Unreadable};
use crate::stream::StreamId;

/// How many decisions are read at once.
const PAGE: usize = 500;

/// Who decided something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The name of an operator or a user, or of a part of the program.
    pub id: String,
    /// For operators.
    pub reason: String,
}

/// A decision as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision<E> {
    /// Its place in the log.
    pub position: Position,
    /// When it was made.
    pub at: DateTime<Utc>,
    /// What was decided.
    pub event: E,
}

/// The decisions of a stream that can be read, the first one first. Those that cannot are left out.
pub(crate) async fn all<E: StoredEvent>(
    log: &dyn EventStore,
    stream: &StreamId,
) -> Result<Vec<Decision<E>>, StoreError> {
    let mut after = Version::NONE;
    read(log, stream, &mut after, |_| {}).await
}

/// The decisions after a version, which moves to the last one. Those that cannot be read are only reported.
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

/// All decisions about one follower, as it knows them.
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

    /// Reads those that are new.
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

    /// What was decided.
    pub(crate) fn control(&self) -> &Arc<A> {
        &self.control
    }
}

/// Who reads decisions, as metrics name it.
pub(crate) const READER: &str = "decisions";

/// A decision that cannot be read is not obeyed: what it was to change stays as it is, for all to see.
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
