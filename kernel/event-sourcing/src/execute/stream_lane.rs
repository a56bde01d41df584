//! How a command takes part in streams.

use std::collections::BTreeMap;

use super::state::AggregateType;
use crate::aggregate::Aggregate;
use crate::stream::StreamId;

/// How a command takes part in a stream's lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Next to other readers; the stream becomes a precondition.
    Read,
    /// Alone.
    Write,
    /// Alone, on the assumption that the stream has no events; nothing is loaded. The store says if it is wrong.
    Create,
    /// Outside the lane: read from the store after everything that was sent before.
    Fresh,
}

/// A stream that a command decides on.
#[derive(Clone, Debug)]
pub struct Lane {
    pub(super) stream: StreamId,
    pub(super) kind: &'static AggregateType,
    pub(super) mode: Mode,
}

impl Lane {
    fn new<A: Aggregate>(id: &str, mode: Mode) -> Self {
        Self {
            stream: A::stream(id),
            kind: AggregateType::of::<A>(),
            mode,
        }
    }

    /// A stream that is only read.
    #[must_use]
    pub fn read<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Read)
    }

    /// A stream that may be written.
    #[must_use]
    pub fn write<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Write)
    }

    /// A stream that is to begin with this command, and most likely has no events: it is not loaded first. If it
    /// has events after all, the command is decided again on them.
    #[must_use]
    pub fn create<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Create)
    }

    pub(super) fn fresh<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Fresh)
    }
}

/// The lanes of one command, in the order in which they are entered.
pub(super) type LaneSet = BTreeMap<StreamId, Lane>;

/// Adds a lane, or takes part in it more strongly.
pub(super) fn add_stream(lanes: &mut LaneSet, lane: Lane) {
    match lanes.get_mut(&lane.stream) {
        Some(known) => known.mode = known.mode.max(lane.mode),
        None => {
            lanes.insert(lane.stream.clone(), lane);
        }
    }
}
