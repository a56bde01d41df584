//! What the mutations of one request came to.
//!
//! ```text
//! entered ── sent ──► unknown ── answered ──► committed, with its position and the id of what it is about
//!  (none)               │ └───── refused, or known not to have taken effect ──► none
//!                       └─────── no answer ──► unknown
//! ```
//!
//! An error of the response is about the mutation at the root of its path, whatever it was that failed below it. So
//! what an error says of the outcome is read here, when all of the request has ended, and not where it arose.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_graphql::Pos;
use contract::status::Outcome;
use event_sourcing::CommandId;

use crate::errors::MutationOutcome;

/// The mutations of one request, in the order in which they ran.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<Vec<Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is in the response: its name or alias.
    pub field: String,
    /// Where it is in the document.
    pub place: Pos,
    /// What it came to.
    pub outcome: Outcome,
    /// Where it took effect, if it did and that is known.
    pub position: Option<u64>,
    /// The id of what it is about, if it took effect and that is known.
    pub id: Option<String>,
    command: CommandId,
}

impl Journal {
    pub fn enter(&self, field: &str, place: Pos, command: CommandId) {
        let mut entries = self.lock();
        if entries.iter().all(|entry| entry.command != command) {
            entries.push(Entry {
                field: field.to_owned(),
                place,
                outcome: Outcome::None,
                position: None,
                id: None,
                command,
            });
        }
    }

    /// What is known of it by now.
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

/// What an error at or below `field` says. Under a client's key an earlier request may have taken effect where this one
/// did not, so that nothing is known to be without effect.
#[must_use]
pub fn verdict(entries: &[Entry], field: Option<&str>, keyed: bool) -> MutationOutcome {
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
