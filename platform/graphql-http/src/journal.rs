//! The outcomes of the mutations of one request.
//!
//! ```text
//! entered ── sent ──► unknown ── success ──► committed, with its position and the id of its entity
//!  (none)               │ └───── rejected, or certain to have had no effect ──► none
//!                       └─────── no response ──► unknown
//! ```
//!
//! An error of the response belongs to the mutation at the root of its path, whatever failed below it. So the outcome of
//! an error is determined from this journal after the whole request has ended, and not where the error arose.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_graphql::Pos;
use event_sourcing::CommandId;
use grpc_calls::status::Outcome;

use crate::errors::MutationOutcome;

/// The mutations of one request, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name or alias, which is its key in the response.
    pub field: String,
    /// Its location in the document.
    pub location: Pos,
    pub outcome: Outcome,
    /// The log position at which it took effect, if known.
    pub position: Option<u64>,
    /// The id of the entity, if it took effect and the id is known.
    pub id: Option<String>,
    command: CommandId,
}

impl Journal {
    pub fn enter(&self, field: &str, place: Pos, command: CommandId) {
        let mut entries = self.lock();
        if entries.iter().all(|entry| entry.command != command) {
            entries.push(Entry {
                field: field.to_owned(),
                location: place,
                outcome: Outcome::None,
                position: None,
                id: None,
                command,
            });
        }
    }

    /// Records the outcome as known so far.
    pub fn note(&self, command: CommandId, outcome: Outcome) {
        self.change(command, |entry| entry.outcome = outcome);
    }

    pub fn committed(&self, command: CommandId, position: Option<u64>, id: Option<&str>) {
        self.change(command, |entry| {
            entry.outcome = Outcome::Committed;
            entry.position = position;
            entry.id = id.map(str::to_owned);
        });
    }

    pub fn entries(&self) -> Vec<Entry> {
        self.lock().clone()
    }

    fn change(&self, command: CommandId, change: impl FnOnce(&mut Entry)) {
        let mut entries = self.lock();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.command == command) {
            change(entry);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outcome of an error at or below `field`. With an Idempotency-Key an earlier request may have taken effect even if
/// this one did not, so that no mutation is certain to have had no effect.
#[must_use]
pub fn outcome_of_field(entries: &[Entry], field: Option<&str>, keyed: bool) -> MutationOutcome {
    let own = entries.iter().find(|entry| Some(&*entry.field) == field);
    let outcome = own.map_or(Outcome::None, |entry| entry.outcome);
    let others = entries.iter().filter(|entry| Some(&*entry.field) != field);
    MutationOutcome {
        outcome: if keyed {
            outcome.max(Outcome::Unknown)
        } else {
            outcome
        },
        position: own.and_then(|entry| entry.position),
        id: own.and_then(|entry| entry.id.clone()),
        keyed,
        repeats_others: others
            .into_iter()
            .any(|entry| entry.outcome > Outcome::None),
    }
}
