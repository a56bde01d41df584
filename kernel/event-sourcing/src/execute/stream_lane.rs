//! The streams of a command and its access mode on each.

use std::collections::BTreeMap;

use super::state::AggregateType;
use crate::aggregate::Aggregate;
use crate::stream::StreamId;

/// The access mode of a command on a stream. Ordered from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Shared with other readers; the stream becomes a precondition.
    Read,
    /// Exclusive.
    Write,
    /// Exclusive, assuming that the stream has no events: nothing is loaded. The store rejects the commit if the
    /// assumption is wrong.
    Create,
    /// Outside the lane: read from the store after every commit sent before.
    Fresh,
}

/// A stream that a command decides on, with its access mode.
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

    /// A stream that this command creates. It is assumed to have no events and is not loaded; if it has events, the
    /// command is decided again on them.
    #[must_use]
    pub fn create<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Create)
    }

    pub(super) fn fresh<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Fresh)
    }
}

/// The lanes of one command, in the order in which they are locked. The order is global, which excludes deadlocks.
pub(super) type LaneSet = BTreeMap<StreamId, Lane>;

/// Adds a lane, or strengthens its access mode.
pub(super) fn add_stream(lanes: &mut LaneSet, lane: Lane) {
    match lanes.get_mut(&lane.stream) {
        Some(known) => known.mode = known.mode.max(lane.mode),
        None => {
            lanes.insert(lane.stream.clone(), lane);
        }
    }
}
