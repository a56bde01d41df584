//! The event loop of a handler under one lease.
//!
//! Every wait is a future in `running`, and each future returns a [`Step`]. Handling a step never waits: it changes the
//! state and starts the next futures. So all state is owned by one task, without locks.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::keys::{DeliveryQueues, NextEvent, version};
use super::shared::{HandlerState, Shared};
use super::step::{self, Reading, Step};
use super::{EventHandler, HandlerControl, HandlerError, HandlerProgress, ParkedStream};
use crate::backoff::Backoff;
use crate::decision::Decisions;
use crate::fields;
use crate::id::Position;
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::{Filter, StoreError};
use crate::stream::StreamId;
use crate::subscription::{LastEvent, LeaseLost, LogReader};

pub(super) struct DeliveryLoop<'r, H: EventHandler> {
    shared: &'r Shared<H>,
    token: Token,
    filter: Filter,
    keys: DeliveryQueues,
    control: Arc<HandlerControl>,
    running: FuturesUnordered<BoxFuture<'r, Step>>,
    /// `None` while a future reads with it.
    reading: Option<Reading>,
    /// Whether the log was read past decisions that were not read yet.
    is_undecided: bool,
    /// The last event that was read.
    last: LastEvent,
    head: Position,
    written: LogMark,
    is_writing: bool,
    /// When the checkpoint must be written.
    due: Option<Instant>,
    /// Whether events were handled since the checkpoint was last written.
    has_handled: bool,
    delivering: usize,
    /// The backoff of each stream whose first event failed.
    retrying: HashMap<StreamId, Backoff>,
}

impl<'r, H: EventHandler> DeliveryLoop<'r, H> {
    /// Reads the operators' decisions and starts. The first time in a process all parked streams are retried, because
    /// the binary or its settings may have changed.
    pub(super) async fn begin(
        shared: &'r Shared<H>,
        token: Token,
        mark: LogMark,
        progress: HandlerProgress,
    ) -> Result<Self, LeaseLost> {
        let mut decisions = Decisions::about(&shared.name);
        decisions.refresh(&**shared.subscription.log()).await?;
        let control = Arc::clone(decisions.control());
        let filter = shared.reactions.filter();
        let reader = LogReader::new(
            Arc::clone(shared.subscription.log()),
            filter.clone(),
            shared.config.page,
            mark.position,
        );
        let mut work = Self {
            shared,
            token,
            filter,
            keys: DeliveryQueues::new(mark.position, progress.parked),
            control,
            running: FuturesUnordered::new(),
            reading: Some(Reading::new(reader, decisions, Instant::now())),
            is_undecided: false,
            last: LastEvent::none(),
            head: mark.position,
            written: mark,
            is_writing: false,
            due: None,
            has_handled: false,
            delivering: 0,
            retrying: HashMap::new(),
        };
        let is_first = !shared.has_resumed.load(Ordering::Relaxed);
        work.resume(|row, control| is_first || control.resumes(row));
        Ok(work)
    }

    /// Runs until `stop` is cancelled, and then waits for deliveries in progress, at most for the grace period.
    pub(super) async fn run(mut self, stop: &CancellationToken) -> Result<(), LeaseLost> {
        let mut grace = None;
        loop {
            if let Some(end) = grace {
                if end <= Instant::now() && !self.is_writing {
                    // Cancelled deliveries are not in the checkpoint, so the next process delivers them again.
                    self.running.clear();
                    self.delivering = 0;
                }
                // A stop writes immediately: what was handled and not written would be delivered again.
                self.due = self.is_unwritten().then(Instant::now);
            } else {
                self.start();
            }
            self.start_write();
            self.show();
            if grace.is_some() && self.delivering == 0 && !self.is_writing {
                return Ok(());
            }
            let due = self.due.filter(|_| !self.is_writing);
            let is_waiting = grace.is_some_and(|end| end > Instant::now());
            tokio::select! {
                ended = self.running.next(), if !self.running.is_empty() => {
                    // During a stop nothing more is read, so errors of readers do not matter.
                    if let Some(ended) = ended.filter(|ended| grace.is_none() || ended.is_delivery()) {
                        self.take(ended)?;
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = sleep_until(grace.unwrap_or_else(Instant::now)), if is_waiting => {}
                () = stop.cancelled(), if grace.is_none() => {
                    grace = Some(Instant::now() + self.shared.config.stop_grace);
                }
            }
        }
    }

    /// Starts reads, replays and deliveries, up to the limits.
    fn start(&mut self) {
        let shared = self.shared;
        let config = &shared.config;
        self.start_reading();
        if self.control.is_paused() {
            return;
        }
        while let Some((stream, after)) = self.keys.next_replay(config.concurrency) {
            self.running
                .push(Box::pin(step::replay(shared, stream, after)));
        }
        let is_full = self.is_full();
        while self.delivering < config.concurrency
            && let Some(turn) = self.keys.next_event(is_full)
        {
            self.deliver(turn);
        }
    }

    fn start_reading(&mut self) {
        let shared = self.shared;
        let is_still = self.is_full() || self.control.is_paused();
        let has_room = self.has_room();
        // A decision may be in the part of the log that was read: it must be read before a parked stream can resume.
        let is_behind = self.is_undecided && !self.keys.parked.is_empty();
        // The queue is full, but a delivery may soon make room: do not lend the reader to a wait for decisions, unless
        // they are too old.
        let waits = !is_still && !is_behind && !has_room && self.delivering > 0;
        let Some(reading) = self.reading.take_if(|reading| !waits || reading.is_old()) else {
            return;
        };
        self.running.push(if is_behind {
            Box::pin(step::decide(shared, reading, Instant::now()))
        } else if is_still || !has_room {
            let old_at = reading.old_at();
            Box::pin(step::decide(shared, reading, old_at))
        } else {
            let wakes = !self.keys.parked.is_empty();
            Box::pin(step::read(shared, reading, wakes, self.is_undecided))
        });
    }

    fn deliver(&mut self, turn: NextEvent) {
        if self.control.skips(turn.entry.position()) {
            // Skipped by an operator: recorded as done without a delivery.
            return self.done(&turn.stream);
        }
        self.delivering += 1;
        self.running
            .push(Box::pin(step::attempt(self.shared, turn)));
    }

    fn take(&mut self, step: Step) -> Result<(), LeaseLost> {
        match step {
            Step::Read(reading) => self.read(*reading)?,
            Step::Attempted {
                stream,
                handled,
                attempt,
            } => {
                self.delivering -= 1;
                match handled {
                    Ok(()) => {
                        self.shared.handled().increment(1);
                        self.done(&stream);
                    }
                    Err(error) => self.failed(stream, &error, attempt),
                }
            }
            Step::BackoffElapsed(stream) => self.keys.make_ready(stream),
            Step::Replayed(stream, page) => {
                if self.keys.replay(&stream, page?, &self.filter) {
                    self.replay_stream(stream);
                }
            }
            Step::Wrote(mark) => {
                self.is_writing = false;
                // `written` is the expected mark of the next write, and what the log is compared with.
                self.written = mark?;
                self.shared.subscription.set_checkpoint(Some(self.written));
            }
        }
        self.plan_write();
        Ok(())
    }

    fn read(&mut self, reading: Reading) -> Result<(), StoreError> {
        let Reading {
            reader,
            decisions,
            decided_at,
            is_decided,
            head,
            page,
            last,
            error,
        } = reading;
        if let Some(error) = error {
            return Err(error);
        }
        self.is_undecided = !is_decided;
        // This loop shares the Arc, so `Decisions` replaces it exactly when it has read a new decision.
        if !Arc::ptr_eq(&self.control, decisions.control()) {
            self.control = Arc::clone(decisions.control());
            self.resume(|row, control| control.resumes(row));
        }
        self.head = head.unwrap_or(self.head);
        if let Some(page) = page {
            self.shared.has_resumed.store(true, Ordering::Relaxed);
            self.head = page.head;
            self.last = last;
            self.keys.read(page);
        }
        self.reading = Some(Reading::new(reader, decisions, decided_at));
        Ok(())
    }

    /// Resumes the parked streams that `which` selects.
    fn resume(&mut self, which: impl Fn(&ParkedStream, &HandlerControl) -> bool) {
        let rows = self.keys.parked.values().map(|parked| &parked.row);
        let resumed = rows.filter(|row| which(row, &self.control));
        let resumed: Vec<_> = resumed.map(|row| row.stream.clone()).collect();
        for stream in resumed {
            self.keys.resume(&stream);
        }
    }

    fn done(&mut self, stream: &StreamId) {
        self.retrying.remove(stream);
        self.has_handled = true;
        if self.keys.done(stream) {
            self.replay_stream(stream.clone());
        }
    }

    fn replay_stream(&mut self, stream: StreamId) {
        if let Some(after) = self.keys.replayed_to(&stream) {
            let replay = step::replay(self.shared, stream, after);
            self.running.push(Box::pin(replay));
        }
    }

    fn failed(&mut self, stream: StreamId, error: &HandlerError, attempt: u32) {
        let config = &self.shared.config;
        if error.is_permanent() || attempt >= config.attempts {
            return self.park(&stream, error);
        }
        self.shared.retried().increment(1);
        if let Some(suppressed) = self.shared.retries.failed(Instant::now()) {
            tracing::warn!(
                { fields::EVENT_HANDLER } = &*self.shared.name,
                { fields::STREAM } = %stream,
                { fields::REASON } = error.reason(),
                { fields::SUPPRESSED } = suppressed,
                "an event could not be handled; it will be retried"
            );
        }
        let backoff = self.retrying.entry(stream.clone());
        let backoff =
            backoff.or_insert_with(|| Backoff::new(config.first_pause, config.longest_pause));
        let pause = backoff.next_pause().max(error.wait());
        let rest = step::pause(stream, pause);
        self.running.push(Box::pin(rest));
    }

    fn park(&mut self, stream: &StreamId, error: &HandlerError) {
        self.retrying.remove(stream);
        let Some(first) = self.keys.first(stream) else {
            return;
        };
        if self.control.skips(first.position()) {
            // It was skipped during its last attempt.
            return self.done(stream);
        }
        let row = ParkedStream {
            stream: stream.clone(),
            position: first.position(),
            version: version(first),
            event_type: first.event_type().to_owned(),
            reason: error.reason().to_owned(),
            parked_at: self.shared.clock.now(),
            decisions: self.control.decisions(),
        };
        self.shared.streams_parked().increment(1);
        tracing::error!(
            { fields::EVENT_HANDLER } = &*self.shared.name,
            { fields::STREAM } = %row.stream,
            { fields::POSITION } = row.position.0,
            { fields::EVENT_TYPE } = row.event_type,
            { fields::REASON } = row.reason,
            "an event cannot be handled: its stream is parked until an operator resumes it or skips the event"
        );
        self.keys.park(row);
    }

    /// Whether so many streams are parked that the receiver is probably unavailable.
    fn is_full(&self) -> bool {
        let parked = self.keys.parked.len();
        parked > self.shared.config.max_parked
    }

    /// Whether the limits on queued events and on the distance to the checkpoint allow reading more.
    fn has_room(&self) -> bool {
        let config = &self.shared.config;
        let ahead = self.keys.read_up_to().0 - self.keys.checkpoint().0;
        self.keys.pending() < config.max_pending && ahead < config.max_ahead
    }

    fn is_unwritten(&self) -> bool {
        self.keys.is_changed() || self.keys.checkpoint() > self.written.position
    }

    /// Schedules the next checkpoint write, if one is needed. Never postpones a scheduled one.
    fn plan_write(&mut self) {
        if !self.is_unwritten() {
            return;
        }
        let config = &self.shared.config;
        let pause = if self.has_handled || self.keys.is_changed() {
            config.linger
        } else {
            config.idle
        };
        let due = Instant::now() + pause;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    fn start_write(&mut self) {
        let is_due = self.due.is_some_and(|due| due <= Instant::now());
        if self.is_writing || !is_due {
            return;
        }
        // Changes are taken once: if the write fails, the error ends this loop and the next one starts from the store.
        self.due = None;
        self.has_handled = false;
        self.is_writing = true;
        let write = step::write(
            self.shared,
            self.token,
            self.written,
            (self.keys.checkpoint(), self.last),
            self.keys.changes(),
        );
        self.running.push(Box::pin(write));
    }

    fn show(&self) {
        self.shared.show(HandlerState {
            active: true,
            position: self.written.position,
            head: self.head.max(self.written.position),
            parked: self.keys.parked.len(),
            retrying: self.retrying.len(),
            is_paused: self.control.is_paused(),
            is_full: self.is_full(),
            failing: None,
        });
    }
}
