//! The unit of work: the states that a decision reads and the events that it appends.

use std::borrow::Cow;
use std::collections::HashMap;
use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::lane::{LaneCell, PendingState};
use super::state::{AggregateType, AnyState, typed};
use super::states::States;
use super::stream_lane::{Lane, Mode};
use crate::aggregate::Aggregate;
use crate::commit::{Commit, CommitError, ExpectedVersion, Write};
use crate::event::{DomainEvent, Metadata, NewEvent};
use crate::id::{CommandId, Version};
use crate::lease::Fence;
use crate::stream::StreamId;

/// Why a decision returned no events.
#[derive(Debug)]
pub enum DecideError<R> {
    /// The domain rejects the command.
    Rejected(R),
    /// A stream was not acquired; the executor acquires it and decides again.
    MissingStream(MissingStream),
}

/// A stream that the decision needs and that was not acquired.
#[derive(Debug)]
pub struct MissingStream(pub(super) Lane);

impl DecideError<Infallible> {
    /// Converts the error of a part that never rejects into that of a decision that may.
    #[must_use]
    pub fn missing_stream<R>(self) -> DecideError<R> {
        match self {
            Self::Rejected(never) => match never {},
            Self::MissingStream(missing) => DecideError::MissingStream(missing),
        }
    }
}

/// Lets `?` return a rejection.
impl<R> From<R> for DecideError<R> {
    fn from(rejection: R) -> Self {
        Self::Rejected(rejection)
    }
}

/// An acquired stream, with its state including the events that the decision has appended so far.
#[derive(Debug)]
pub(super) struct AcquiredStream {
    pub(super) kind: &'static AggregateType,
    pub(super) mode: Mode,
    /// Its lane. Holding it prevents eviction. `None` if the stream was read outside its lane.
    pub(super) cell: Option<Arc<LaneCell>>,
    /// The state before the decision: the expected version of the commit is taken from it.
    pub(super) base: PendingState,
    pub(super) state: AnyState,
    pub(super) version: Version,
    pub(super) is_used: bool,
}

impl AcquiredStream {
    pub(super) fn new(
        lane: &Lane,
        cell: Option<Arc<LaneCell>>,
        pending_state: PendingState,
    ) -> Self {
        let (state, version) = (Arc::clone(&pending_state.state), pending_state.version);
        Self {
            kind: lane.kind,
            mode: lane.mode,
            cell,
            base: pending_state,
            state,
            version,
            is_used: false,
        }
    }
}

/// A decision in progress, without the type of its rejection.
#[derive(Debug)]
pub(super) struct UnitOfWorkState {
    operation: &'static str,
    command_id: CommandId,
    now: DateTime<Utc>,
    metadata: Metadata,
    pub(super) acquired: HashMap<StreamId, AcquiredStream>,
    writes: Vec<(StreamId, ExpectedVersion, Vec<NewEvent>)>,
}

impl UnitOfWorkState {
    pub(super) fn new(
        operation: &'static str,
        command_id: CommandId,
        now: DateTime<Utc>,
        metadata: Metadata,
        acquired: HashMap<StreamId, AcquiredStream>,
    ) -> Self {
        Self {
            operation,
            command_id,
            now,
            metadata,
            acquired,
            writes: Vec::new(),
        }
    }

    fn state<A: Aggregate>(&mut self, lane: Lane) -> Result<Arc<A>, MissingStream> {
        self.stream(lane).map(|acquired| typed(&acquired.state))
    }

    fn append<A: Aggregate>(&mut self, id: &str, events: &[A::Event]) -> Result<(), MissingStream> {
        let now = self.now;
        let acquired = self.stream(Lane::write::<A>(id))?;
        if events.is_empty() {
            return Ok(());
        }
        // Cloned, not changed in place: the lane's pending state must not change before the commit is sent.
        let mut state = A::clone(&typed::<A>(&acquired.state));
        for event in events {
            state.evolve(event, now);
        }
        acquired.state = Arc::new(state);
        acquired.version.0 += events.len() as u64;
        let expected = acquired.base.expected();
        self.plan(A::stream(id), expected, events);
        Ok(())
    }

    fn stream(&mut self, lane: Lane) -> Result<&mut AcquiredStream, MissingStream> {
        match self.acquired.get_mut(&lane.stream) {
            // A weaker mode than needed counts as missing: the executor then acquires the stream in the stronger mode.
            Some(acquired) if acquired.mode >= lane.mode => {
                acquired.is_used = true;
                Ok(acquired)
            }
            _ => Err(MissingStream(lane)),
        }
    }

    fn plan<E: DomainEvent>(&mut self, stream: StreamId, expected: ExpectedVersion, events: &[E]) {
        let new = events.iter().map(|event| NewEvent {
            event: event.encode(),
            metadata: self.metadata.clone(),
        });
        // A commit names each stream at most once: later appends are merged into the first write.
        if let Some((.., planned)) = self.writes.iter_mut().find(|(known, ..)| *known == stream) {
            planned.extend(new);
        } else {
            let new = new.collect();
            self.writes.push((stream, expected, new));
        }
    }

    /// The events so far, grouped by stream, in log order.
    #[cfg(feature = "testing")]
    pub(super) fn writes(&self) -> impl Iterator<Item = (&StreamId, &[NewEvent])> {
        self.writes
            .iter()
            .map(|(stream, _, events)| (stream, events.as_slice()))
    }

    pub(super) fn has_events(&self) -> bool {
        !self.writes.is_empty()
    }

    /// The streams that the decision read or wrote. Each is a precondition of its result.
    pub(super) fn used_streams(&self) -> impl Iterator<Item = (&StreamId, &AcquiredStream)> {
        self.acquired
            .iter()
            .filter(|(_, acquired)| acquired.is_used)
    }

    /// Builds the commit. Also returns, for each written stream that was acquired, the id of its last event after the
    /// commit.
    pub(super) fn commit(
        &mut self,
        fence: Option<Fence>,
    ) -> Result<(Commit, Vec<(StreamId, Uuid)>), CommitError> {
        let mut last_events = Vec::with_capacity(self.writes.len());
        let mut index = 0;
        let mut writes = Vec::with_capacity(self.writes.len() + self.acquired.len());
        for (stream, expected, events) in std::mem::take(&mut self.writes) {
            index += events.len();
            if self.acquired.contains_key(&stream) {
                // The store derives the same id, so the next command can expect this event before it is durable.
                last_events.push((stream.clone(), self.command_id.event_id(index - 1)));
            }
            writes.push(Write {
                stream,
                expected,
                events,
            });
        }
        if let Some(first) = writes.iter_mut().find_map(|write| write.events.first_mut()) {
            first.metadata.operation = Some(Cow::Borrowed(self.operation));
        }
        // A stream that was only read becomes a write without events: the store validates its version under its lock,
        // so the decision cannot commit on a state that changed since.
        let written = writes.len();
        for (stream, acquired) in self
            .acquired
            .iter()
            .filter(|(_, acquired)| acquired.is_used)
        {
            if !writes[..written]
                .iter()
                .any(|write| write.stream == *stream)
            {
                let expected = acquired.base.expected();
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

    /// The states after the decision's events.
    pub(super) fn into_states(self) -> States {
        let states = self
            .acquired
            .into_iter()
            .filter(|(_, acquired)| acquired.is_used);
        States::new(
            states
                .map(|(stream, e)| (stream, (e.state, e.version)))
                .collect(),
        )
    }
}

/// A decision in progress: the states that it reads and the events that it appends. Every stream that it reads becomes
/// a precondition of the commit. `R` is the type of the decision's rejection.
#[derive(Debug)]
pub struct UnitOfWork<'w, R> {
    work: &'w mut UnitOfWorkState,
    rejection: PhantomData<fn() -> R>,
}

impl<'w, R> UnitOfWork<'w, R> {
    pub(super) fn new(work: &'w mut UnitOfWorkState) -> Self {
        Self {
            work,
            rejection: PhantomData,
        }
    }

    /// The same unit of work for a part of the decision with its own rejection type.
    #[must_use]
    pub fn rejecting<T>(&mut self) -> UnitOfWork<'_, T> {
        UnitOfWork::new(self.work)
    }

    /// The recording time of the events. The same in the whole decision.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.work.now
    }

    /// The id of this command.
    #[must_use]
    pub fn command_id(&self) -> CommandId {
        self.work.command_id
    }

    /// The metadata stored with each event.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.work.metadata
    }

    /// Derives an id from the command id and `label`. A repeat of the command derives the same id.
    #[must_use]
    pub fn derive_id(&self, label: &str) -> Uuid {
        self.work.command_id.derive(label)
    }

    /// The state of an aggregate, including the events that this decision has appended.
    ///
    /// # Errors
    /// [`DecideError::MissingStream`] if the stream was not loaded; return it with `?`, and the executor decides again.
    pub fn state<A: Aggregate>(&mut self, id: &str) -> Result<Arc<A>, DecideError<R>> {
        let state = self.work.state(Lane::read::<A>(id));
        state.map_err(DecideError::MissingStream)
    }

    /// The state of an aggregate whose stream is also written outside its lane, read from the store after every commit
    /// that this process has sent before.
    ///
    /// # Errors
    /// [`DecideError::MissingStream`] if the stream was not loaded; return it with `?`.
    pub fn fresh<A: Aggregate>(&mut self, id: &str) -> Result<Arc<A>, DecideError<R>> {
        let state = self.work.state(Lane::fresh::<A>(id));
        state.map_err(DecideError::MissingStream)
    }

    /// Runs `decide` on the state of an aggregate and appends the events that it returns.
    ///
    /// # Errors
    /// [`DecideError::Rejected`] with the rejection of `decide`; [`DecideError::MissingStream`] if the stream was not
    /// loaded. Return both with `?`.
    pub fn decide<A: Aggregate, E>(
        &mut self,
        id: &str,
        decide: impl FnOnce(&A) -> Result<Vec<A::Event>, E>,
    ) -> Result<(), DecideError<R>>
    where
        R: From<E>,
    {
        let state = self.work.state::<A>(Lane::write::<A>(id));
        let state = state.map_err(DecideError::MissingStream)?;
        let events = decide(&state).map_err(|rejection| DecideError::Rejected(rejection.into()))?;
        self.append::<A>(id, &events)
    }

    /// Appends events after the version that the decision read. The streams of a commit are written in the order of
    /// their first append.
    ///
    /// # Errors
    /// [`DecideError::MissingStream`] if the stream was not acquired for writing; return it with `?`.
    pub fn append<A: Aggregate>(
        &mut self,
        id: &str,
        events: &[A::Event],
    ) -> Result<(), DecideError<R>> {
        let appended = self.work.append::<A>(id, events);
        appended.map_err(DecideError::MissingStream)
    }

    /// Appends events at the stream's end with [`ExpectedVersion::Any`], without reading it. If the decision already
    /// writes the stream, its expected version stays.
    pub fn append_any<A: Aggregate>(&mut self, id: &str, events: &[A::Event]) {
        if !events.is_empty() {
            self.work.plan(A::stream(id), ExpectedVersion::Any, events);
        }
    }
}
