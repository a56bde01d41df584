//! What a command sees and does while it decides.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lane::{LaneCell, Tip};
use super::state::{AnyState, Kind, typed};
use crate::aggregate::Aggregate;
use crate::commit::{Commit, CommitError, Expected, Write};
use crate::event::{DomainEvent, Metadata, NewEvent};
use crate::id::{CommandId, Version};
use crate::lease::Fence;
use crate::lock::lock;
use crate::stream::StreamId;

/// How a command takes part in a stream's lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    /// Beside other readers; the stream becomes a precondition.
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
    pub(super) kind: &'static Kind,
    pub(super) mode: Mode,
}

impl Lane {
    fn new<A: Aggregate>(id: &str, mode: Mode) -> Self {
        Self {
            stream: A::stream(id),
            kind: Kind::of::<A>(),
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

    fn fresh<A: Aggregate>(id: &str) -> Self {
        Self::new::<A>(id, Mode::Fresh)
    }
}

/// Why a decision ended without a result.
#[derive(Debug)]
pub enum Stop<R> {
    /// The domain says no.
    Refused(R),
    /// A stream must be read first; the executor reads it and decides again.
    Needs(Needs),
}

/// A stream that a decision turned out to need.
#[derive(Debug)]
pub struct Needs(pub(super) Lane);

impl<R> Stop<R> {
    /// The domain says no.
    pub fn refuse(refusal: R) -> Self {
        Self::Refused(refusal)
    }
}

impl<R> From<Needs> for Stop<R> {
    fn from(needs: Needs) -> Self {
        Self::Needs(needs)
    }
}

/// A stream that was entered, with the state that the decision has left it in so far.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) kind: &'static Kind,
    pub(super) mode: Mode,
    /// Its lane, which is not evicted as long as somebody holds it; none if the stream was read outside of it.
    pub(super) cell: Option<Arc<LaneCell>>,
    /// As it was before the decision.
    pub(super) tip: Tip,
    pub(super) state: AnyState,
    pub(super) version: Version,
    pub(super) used: bool,
}

impl Entered {
    pub(super) fn new(lane: &Lane, cell: Option<Arc<LaneCell>>, tip: Tip) -> Self {
        let (state, version) = (Arc::clone(&tip.state), tip.version);
        Self {
            kind: lane.kind,
            mode: lane.mode,
            cell,
            tip,
            state,
            version,
            used: false,
        }
    }
}

/// A decision in progress: the states that it reads and the events that it appends. Every stream that it reads
/// becomes a precondition of the commit.
#[derive(Debug)]
pub struct Work {
    command_id: CommandId,
    now: DateTime<Utc>,
    metadata: Metadata,
    pub(super) entered: HashMap<StreamId, Entered>,
    writes: Vec<(StreamId, Expected, Vec<NewEvent>)>,
}

impl Work {
    pub(super) fn new(
        command_id: CommandId,
        now: DateTime<Utc>,
        metadata: Metadata,
        entered: HashMap<StreamId, Entered>,
    ) -> Self {
        Self {
            command_id,
            now,
            metadata,
            entered,
            writes: Vec::new(),
        }
    }

    /// The time that the events will be recorded at.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The id of this command.
    #[must_use]
    pub fn command_id(&self) -> CommandId {
        self.command_id
    }

    /// What is stored with each event.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// An id that a repeat of this command derives again.
    #[must_use]
    pub fn derive_id(&self, label: &str) -> Uuid {
        self.command_id.derive(label)
    }

    /// The state of an aggregate, with what this decision has appended.
    ///
    /// # Errors
    /// [`Needs`], if the stream was not entered yet; hand it on with `?`.
    pub fn state<A: Aggregate>(&mut self, id: &str) -> Result<Arc<A>, Needs> {
        self.enter(Lane::read::<A>(id))
            .map(|entered| typed(&entered.state))
    }

    /// The state of an aggregate whose stream others write without entering its lane, read from the store after
    /// all that this process sent before.
    ///
    /// # Errors
    /// [`Needs`], if it was not read yet; hand it on with `?`.
    pub fn fresh<A: Aggregate>(&mut self, id: &str) -> Result<Arc<A>, Needs> {
        self.enter(Lane::fresh::<A>(id))
            .map(|entered| typed(&entered.state))
    }

    /// Appends events behind the version that the decision is based on. The streams of a commit are written in the
    /// order of their first append.
    ///
    /// # Errors
    /// [`Needs`], if the stream was not entered for writing; hand it on with `?`.
    pub fn append<A: Aggregate>(&mut self, id: &str, events: &[A::Event]) -> Result<(), Needs> {
        let now = self.now;
        let entered = self.enter(Lane::write::<A>(id))?;
        if events.is_empty() {
            return Ok(());
        }
        let mut state = A::clone(&typed::<A>(&entered.state));
        for event in events {
            state.evolve(event, now);
        }
        entered.state = Arc::new(state);
        entered.version.0 += events.len() as u64;
        let expected = entered.tip.expected();
        self.plan(A::stream(id), expected, events);
        Ok(())
    }

    /// Appends events wherever the stream ends. It is not read.
    pub fn append_any<A: Aggregate>(&mut self, id: &str, events: &[A::Event]) {
        if !events.is_empty() {
            self.plan(A::stream(id), Expected::Any, events);
        }
    }

    fn enter(&mut self, lane: Lane) -> Result<&mut Entered, Needs> {
        match self.entered.get_mut(&lane.stream) {
            Some(entered) if entered.mode >= lane.mode => {
                entered.used = true;
                Ok(entered)
            }
            _ => Err(Needs(lane)),
        }
    }

    fn plan<E: DomainEvent>(&mut self, stream: StreamId, expected: Expected, events: &[E]) {
        let new = events.iter().map(|event| NewEvent {
            event: event.encode(),
            metadata: self.metadata.clone(),
        });
        if let Some((.., planned)) = self.writes.iter_mut().find(|(known, ..)| *known == stream) {
            planned.extend(new);
        } else {
            let new = new.collect();
            self.writes.push((stream, expected, new));
        }
    }

    pub(super) fn has_events(&self) -> bool {
        !self.writes.is_empty()
    }

    /// The streams that the decision read, with the tips that it read.
    pub(super) fn used(&self) -> impl Iterator<Item = (&StreamId, &Entered)> {
        self.entered.iter().filter(|(_, entered)| entered.used)
    }

    /// The commit, and for each stream in it that was entered, the id of its last event behind the commit.
    pub(super) fn commit(
        &mut self,
        fence: Option<Fence>,
    ) -> Result<(Commit, Vec<(StreamId, Uuid)>), CommitError> {
        let mut last_events = Vec::with_capacity(self.writes.len());
        let mut index = 0;
        let mut writes = Vec::with_capacity(self.writes.len() + self.entered.len());
        for (stream, expected, events) in std::mem::take(&mut self.writes) {
            index += events.len();
            if self.entered.contains_key(&stream) {
                last_events.push((stream.clone(), self.command_id.event_id(index - 1)));
            }
            writes.push(Write {
                stream,
                expected,
                events,
            });
        }
        let written = writes.len();
        for (stream, entered) in self.entered.iter().filter(|(_, entered)| entered.used) {
            if !writes[..written]
                .iter()
                .any(|write| write.stream == *stream)
            {
                let expected = entered.tip.expected();
                writes.push(Write {
                    stream: stream.clone(),
                    expected,
                    events: Vec::new(),
                });
            }
        }
        let commit = Commit::try_new(self.command_id, self.now, writes, fence)?;
        Ok((commit, last_events))
    }

    /// The states as the decision leaves them.
    pub(super) fn into_states(self) -> States {
        let states = self.entered.into_iter().filter(|(_, entered)| entered.used);
        States::new(
            states
                .map(|(stream, e)| (stream, (e.state, e.version)))
                .collect(),
        )
    }
}

/// The states that a command left behind, to answer from.
#[derive(Debug)]
pub struct States {
    known: HashMap<StreamId, (AnyState, Version)>,
    /// What was asked for and is not there; the executor may fetch it and ask again.
    missing: Mutex<Vec<Lane>>,
}

impl States {
    pub(super) fn new(known: HashMap<StreamId, (AnyState, Version)>) -> Self {
        Self {
            known,
            missing: Mutex::default(),
        }
    }

    /// The state and version of an aggregate behind the command. Nothing if the command did not touch it.
    #[must_use]
    pub fn get<A: Aggregate>(&self, id: &str) -> Option<(Arc<A>, Version)> {
        let lane = Lane::read::<A>(id);
        if let Some((state, version)) = self.known.get(&lane.stream) {
            return Some((typed(state), *version));
        }
        lock(&self.missing).push(lane);
        None
    }

    pub(super) fn take_missing(&mut self) -> Vec<Lane> {
        std::mem::take(
            self.missing
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    pub(super) fn insert(&mut self, stream: StreamId, state: AnyState, version: Version) {
        self.known.insert(stream, (state, version));
    }
}
