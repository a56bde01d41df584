//! Runs a command on given states, without an executor or a store.

use std::collections::HashMap;
use std::sync::Arc;

use uuid::Uuid;

use super::command::Command;
use super::lane::PendingState;
use super::state::{AggregateType, AnyState};
use super::stream_lane::{Lane, LaneSet, add_stream};
use super::work::{AcquiredStream, DecideError, MissingStream, UnitOfWork, UnitOfWorkState};
use crate::aggregate::Aggregate;
use crate::event::{EncodedEvent, Metadata};
use crate::id::{CommandId, Version};
use crate::stream::StreamId;
use crate::testing::at;

/// The second at which the command is executed: after all given events.
const NOW: u32 = 1_000;

/// The states of the streams that have events.
#[derive(Debug, Default)]
pub(crate) struct Histories(HashMap<StreamId, (AnyState, Version)>);

/// The events of a decision, grouped by stream, and its reply.
pub(crate) type Decided<T> = (Vec<(StreamId, Vec<EncodedEvent>)>, Option<T>);

impl Histories {
    pub(crate) fn insert<A: Aggregate>(&mut self, id: &str, state: A, version: Version) {
        self.0
            .insert(A::stream(id), (Arc::new(state) as AnyState, version));
    }

    /// Decides, again after each missing stream, until none is missing.
    pub(crate) fn decide<C: Command>(
        &self,
        command: &C,
    ) -> Result<Decided<C::Reply>, C::Rejection> {
        let mut lanes = LaneSet::new();
        for lane in command.streams() {
            add_stream(&mut lanes, lane);
        }
        loop {
            let acquired = lanes
                .values()
                .map(|lane| (lane.stream.clone(), self.stream(lane)))
                .collect();
            let command_id = CommandId(Uuid::nil());
            let mut work = UnitOfWorkState::new(
                command.operation(),
                command_id,
                at(NOW),
                Metadata::default(),
                acquired,
            );
            match command.decide(&mut UnitOfWork::new(&mut work)) {
                Err(DecideError::MissingStream(MissingStream(lane))) => {
                    add_stream(&mut lanes, lane);
                }
                Err(DecideError::Rejected(rejection)) => return Err(rejection),
                Ok(()) => {
                    let writes = work.writes().map(|(stream, events)| {
                        let events = events.iter().map(|new| new.event.clone()).collect();
                        (stream.clone(), events)
                    });
                    let writes = writes.collect();
                    return Ok((writes, command.reply(&work.into_states())));
                }
            }
        }
    }

    fn stream(&self, lane: &Lane) -> AcquiredStream {
        let known = self.0.get(&lane.stream).cloned();
        let (state, version) = known.unwrap_or_else(|| initial(lane.kind));
        let pending_state = PendingState {
            state,
            version,
            last_event: None,
            pending: None,
            epoch: 0,
        };
        AcquiredStream::new(lane, None, pending_state)
    }
}

fn initial(kind: &'static AggregateType) -> (AnyState, Version) {
    ((kind.initial)(), Version::NONE)
}
