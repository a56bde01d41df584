//! The log under load: no event is skipped, duplicated or reordered, and there are no gaps.
//!
//! 64 writers in two processes write to 100 streams, with delays between deciding and writing, with batches of several
//! commits, with repeats, and with expected versions that are wrong by chance or on purpose. 8 subscribers follow the
//! log while it grows. At the end the log, the results of the writers and the events of the subscribers must agree.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{
    CommandId, Commit, Envelope, EventStore, ExpectedVersion, Filter, Position, Receipt, Rejected,
    StreamId, Write,
};
use futures::future::join_all;
use uuid::Uuid;

use crate::Harness;
use crate::support::{
    Rng, accepted, append, append_one, command, commit, event, exact, read_log, read_stream,
    stream, version, whole_log, within,
};

const WRITERS: u64 = 64;
const STREAMS: u64 = 100;
const SUBSCRIBERS: u64 = 8;
const ROUNDS: u64 = 25;
/// With lower counts the run would not have tested its subject.
const MIN_ACCEPTED: usize = 800;
const MIN_REJECTED: usize = 200;
const MIN_REPEATED: usize = 100;

const LAST: &str = "Last";

/// The result of one commit, as its writer got it.
struct Observed {
    commit: Commit,
    answer: Result<Receipt, Rejected>,
}

/// Runs the whole load; see the module's documentation.
pub async fn no_event_is_skipped_duplicated_or_reordered(harness: &dyn Harness) {
    let seed = Rng::seed();
    let handles = [harness.open().await, harness.open().await];
    let handle = |actor: u64| Arc::clone(&handles[usize::from(actor % 2 == 1)].events);

    let subscribers: Vec<_> = (0..SUBSCRIBERS)
        .map(|number| {
            let filter = match number / 2 % 2 {
                0 => Filter::ALL,
                _ => Filter::of_types(&["Rare", LAST]),
            };
            let chance = Rng::of(seed, 1_000 + number);
            let following = follow(handle(number), filter.clone(), chance);
            (filter, tokio::spawn(following))
        })
        .collect();
    let writers = (0..WRITERS).map(|number| {
        let writer = Writer {
            store: handle(number),
            number,
            chance: Rng::of(seed, number),
            observed: Vec::new(),
        };
        tokio::spawn(writer.run())
    });
    let written = within("the writers end", join_all(writers)).await;
    let observed: Vec<Vec<Observed>> = written
        .into_iter()
        .map(|joined| joined.expect("the writer ends"))
        .collect();

    let store = handle(0);
    let end = write_events(stream("last"), ExpectedVersion::NoStream, &[LAST]);
    let last = accepted(&*store, commit(command(u64::MAX), vec![end]))
        .await
        .last;
    let log = whole_log(&*store).await;
    assert_eq!(
        log.last().map(|event| event.position),
        Some(last),
        "the log ends at the end"
    );
    check_log(&log);
    check_answers(&log, &observed);
    check_streams(&*store, &log).await;
    for (number, (filter, subscriber)) in subscribers.into_iter().enumerate() {
        let ended = within("the subscriber reaches the end", subscriber).await;
        let found = ended.expect("the subscriber ends");
        let wanted: Vec<_> = log
            .iter()
            .filter(|event| filter.matches(event.stream.aggregate_type(), &event.event_type))
            .cloned()
            .collect();
        assert!(
            found == wanted,
            "subscriber {number}: {}",
            difference(&found, &wanted)
        );
        assert_eq!(
            read_log(&*store, &filter, 97).await,
            wanted,
            "a later reader sees the same"
        );
    }
}

fn write_events(stream: StreamId, expected: ExpectedVersion, types: &[&'static str]) -> Write {
    Write {
        stream,
        expected,
        events: types.iter().map(|name| event(name, "{}")).collect(),
    }
}

/// Reads from the start until the event that is written last.
async fn follow(store: Arc<dyn EventStore>, filter: Filter, mut chance: Rng) -> Vec<Envelope> {
    let mut seen = Vec::new();
    let mut after = Position::START;
    loop {
        let head = store.wait_for(after.next()).await.expect("the head");
        assert!(head > after, "a waiter wakes above {after}, got {head}");
        let limit = usize::try_from(1 + chance.below(60)).expect("a small number");
        let page = store.read_all(after, &filter, limit).await.expect("a page");
        assert!(page.head >= head, "the head does not move back");
        assert!(
            page.read_up_to > after,
            "a page after a wake-up makes progress from {after}"
        );
        let in_page =
            |event: &Envelope| after < event.position && event.position <= page.read_up_to;
        let events: Vec<Envelope> = page.events().map(|event| Envelope::clone(event)).collect();
        assert!(
            events.iter().all(in_page),
            "a page has events of its range only"
        );
        after = page.read_up_to;
        seen.extend(events);
        if seen.last().is_some_and(|event| event.event_type == LAST) {
            return seen;
        }
        chance.delay().await;
    }
}

struct Writer {
    store: Arc<dyn EventStore>,
    number: u64,
    chance: Rng,
    observed: Vec<Observed>,
}

impl Writer {
    async fn run(mut self) -> Vec<Observed> {
        for round in 0..ROUNDS {
            let id = command(self.number * ROUNDS * 10 + round * 10);
            match self.chance.below(10) {
                0 => self.repeat().await,
                1 | 2 => self.several(id).await,
                3 => {
                    let writes = self.writes(1_000_000).await;
                    let answer = self.send(id, writes).await;
                    assert!(answer.is_err(), "a version above the stream's is rejected");
                }
                _ => self.until_accepted(id).await,
            }
        }
        self.observed
    }

    /// Decides again on current versions until the commit is accepted, as a service would.
    async fn until_accepted(&mut self, id: CommandId) {
        for _ in 0..5 {
            let writes = self.writes(0).await;
            self.chance.delay().await;
            if self.send(id, writes).await.is_ok() {
                return;
            }
        }
    }

    /// Three commits in one batch; the third repeats the first.
    async fn several(&mut self, id: CommandId) {
        let other = CommandId(id.derive("other"));
        let first = commit(id, self.writes(0).await);
        let second = commit(other, self.writes(0).await);
        let batch = [first.clone(), second, first];
        let answers = append(&*self.store, &batch).await;
        let observed = batch.into_iter().zip(answers);
        self.observed
            .extend(observed.map(|(commit, answer)| Observed { commit, answer }));
    }

    /// Sends an accepted commit again, as if its result had been lost.
    async fn repeat(&mut self) {
        let mut accepted = self
            .observed
            .iter()
            .filter(|observed| observed.answer.is_ok());
        let Some(again) = accepted.next_back().map(|observed| observed.commit.clone()) else {
            return;
        };
        let answer = append_one(&*self.store, again.clone()).await;
        let receipt = answer.as_ref().expect("a repeat is not rejected");
        assert!(receipt.duplicate, "a repeat is a duplicate");
        self.observed.push(Observed {
            commit: again,
            answer,
        });
    }

    async fn send(&mut self, id: CommandId, writes: Vec<Write>) -> Result<Receipt, Rejected> {
        let commit = commit(id, writes);
        let answer = append_one(&*self.store, commit.clone()).await;
        self.observed.push(Observed {
            commit,
            answer: answer.clone(),
        });
        answer
    }

    /// Writes to one to three streams at their current versions, with `ahead` added to that of the first; some with
    /// `Any`, some as preconditions.
    async fn writes(&mut self, ahead: u64) -> Vec<Write> {
        let count = 1 + self.chance.below(3);
        let named: BTreeSet<u64> = (0..count).map(|_| self.chance.below(STREAMS)).collect();
        let mut writes = Vec::new();
        for number in named {
            let stream = stream(format!("s-{number}"));
            let is_first = writes.is_empty();
            let now = version(&*self.store, &stream).await.0;
            let expected = match (is_first, self.chance.below(10)) {
                (true, _) => exact(now + ahead),
                (false, 0..3) => ExpectedVersion::Any,
                (false, _) => exact(now),
            };
            let events = match (is_first, self.chance.below(10)) {
                (false, 0..3) => &[][..],
                (_, 3..5) => &["Common", "Rare"],
                (_, 5) => &["Common", "Common", "Common"],
                _ => &["Common"],
            };
            writes.push(write_events(stream, expected, events));
        }
        writes
    }
}

/// Positions have no gaps, versions have no gaps inside each stream, and the events of each commit are adjacent and
/// have their ids.
fn check_log(log: &[Envelope]) {
    let mut versions: HashMap<&StreamId, u64> = HashMap::new();
    let mut commands = HashSet::new();
    let mut commit = (CommandId(Uuid::nil()), 0);
    for (index, event) in log.iter().enumerate() {
        assert_eq!(event.position.0, index as u64 + 1, "positions have no gap");
        let version = versions.entry(&event.stream).or_default();
        *version += 1;
        assert_eq!(
            event.version.0, *version,
            "versions of {} have no gap",
            event.stream
        );
        if let Some(command) = event.command_id {
            assert!(
                commands.insert(command),
                "command {command} took effect twice"
            );
            commit = (command, 0);
        }
        assert_eq!(
            event.event_id,
            commit.0.event_id(commit.1),
            "events of a commit are adjacent"
        );
        commit.1 += 1;
    }
}

/// Each accepted commit is in the log as a whole, at the positions of its receipt; no other commit is. The commits of a
/// writer are in the order in which it sent them.
fn check_answers(log: &[Envelope], observed: &[Vec<Observed>]) {
    let stored: HashSet<_> = log.iter().filter_map(|event| event.command_id).collect();
    let mut acknowledged = HashSet::from([command(u64::MAX)]);
    let (mut rejected, mut repeated) = (0, 0);
    for writer in observed {
        let mut last = Position::START;
        for Observed { commit, answer } in writer {
            match answer {
                Ok(receipt) if receipt.duplicate => repeated += 1,
                Ok(receipt) => {
                    assert!(receipt.first > last, "a writer's commits keep their order");
                    last = receipt.last;
                    check_receipt(log, commit, receipt);
                    acknowledged.insert(commit.command_id());
                }
                Err(_) => rejected += 1,
            }
        }
    }
    assert_eq!(
        stored, acknowledged,
        "the log has exactly the acknowledged commits"
    );
    let accepted = acknowledged.len();
    println!(
        "{} events, {accepted} accepted, {rejected} rejected, {repeated} repeated",
        log.len()
    );
    assert!(accepted >= MIN_ACCEPTED, "only {accepted} accepted");
    assert!(rejected >= MIN_REJECTED, "only {rejected} rejected");
    assert!(repeated >= MIN_REPEATED, "only {repeated} repeated");
}

fn check_receipt(log: &[Envelope], commit: &Commit, receipt: &Receipt) {
    let place = |position: Position| usize::try_from(position.0).expect("a position of the log");
    let stored = &log[place(receipt.first) - 1..place(receipt.last)];
    let given: Vec<_> = commit
        .writes()
        .iter()
        .flat_map(|write| {
            write
                .events
                .iter()
                .map(|new| (&write.stream, new.event.event_type))
        })
        .collect();
    let found: Vec<_> = stored
        .iter()
        .map(|event| (&event.stream, &*event.event_type))
        .collect();
    assert_eq!(found, given, "a commit is whole");
    assert_eq!(stored[0].command_id, Some(commit.command_id()));
    for (stream, version) in &receipt.versions {
        let of_stream = stored.iter().rfind(|event| &event.stream == stream);
        let last = of_stream.map(|event| event.version);
        assert_eq!(last, Some(*version), "the receipt has the versions");
    }
}

/// Each stream has the same events as its part of the log.
async fn check_streams(store: &dyn EventStore, log: &[Envelope]) {
    for number in 0..STREAMS {
        let stream = stream(format!("s-{number}"));
        let part: Vec<_> = log
            .iter()
            .filter(|event| event.stream == stream)
            .cloned()
            .collect();
        assert_eq!(read_stream(store, &stream, 7).await, part);
    }
}

fn difference(seen: &[Envelope], wanted: &[Envelope]) -> String {
    let first = seen
        .iter()
        .zip(wanted)
        .position(|(seen, wanted)| seen != wanted);
    let place = first.unwrap_or(seen.len().min(wanted.len()));
    let at = |events: &[Envelope]| events.get(place).map(|event| event.position);
    format!(
        "saw {} events of {}; at index {place} position {:?} instead of {:?}",
        seen.len(),
        wanted.len(),
        at(seen),
        at(wanted)
    )
}

impl Rng {
    /// A random delay between deciding and writing, or none.
    async fn delay(&mut self) {
        match self.below(4) {
            0 => {}
            1 => tokio::task::yield_now().await,
            _ => tokio::time::sleep(Duration::from_micros(self.below(2_000))).await,
        }
    }
}
