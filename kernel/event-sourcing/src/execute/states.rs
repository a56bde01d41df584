//! The states after a command.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::state::{AnyState, typed};
use super::stream_lane::Lane;
use crate::aggregate::Aggregate;
use crate::id::Version;
use crate::stream::StreamId;

/// The states after a command, from which it replies.
#[derive(Debug)]
pub struct States {
    known: HashMap<StreamId, (AnyState, Version)>,
    /// Requested states that are not present; the executor loads them and calls `reply` again.
    missing: Mutex<Vec<Lane>>,
}

impl States {
    pub(super) fn new(known: HashMap<StreamId, (AnyState, Version)>) -> Self {
        Self {
            known,
            missing: Mutex::default(),
        }
    }

    /// The state and version of an aggregate after the command. `None` if the command neither read nor wrote it.
    #[must_use]
    pub fn get<A: Aggregate>(&self, id: &str) -> Option<(Arc<A>, Version)> {
        let lane = Lane::read::<A>(id);
        if let Some((state, version)) = self.known.get(&lane.stream) {
            return Some((typed(state), *version));
        }
        self.missing.lock().push(lane);
        None
    }

    pub(super) fn take_missing(&mut self) -> Vec<Lane> {
        std::mem::take(self.missing.get_mut())
    }

    pub(super) fn insert(&mut self, stream: StreamId, state: AnyState, version: Version) {
        self.known.insert(stream, (state, version));
    }
}
