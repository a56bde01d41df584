//! The pure part of the runner: folds a page of events into the rows that it touches.

use std::collections::HashMap;

use super::{Decoded, Handlers, Parked, Projection};
use crate::error::with_causes;
use crate::id::Position;
use crate::store::{Entry, LogPage};

/// A page, decoded up to the first event that cannot be read.
#[derive(Debug)]
pub struct DecodedPage {
    events: Vec<Decoded>,
    read_up_to: Position,
    parked: Option<Parked>,
}

/// The result of folding a page.
#[derive(Debug)]
pub struct Folded<P: Projection> {
    /// The changed rows, each once, sorted by key.
    pub changes: Vec<(String, Option<P::Row>)>,
    /// The checkpoint after the page: below the page's end if an event could not be read or folded.
    pub read_up_to: Position,
    /// The event that could not be read or folded, if any.
    pub parked: Option<Parked>,
}

/// Decodes a page up to the first event that cannot be read, without the positions in `skips` (ascending).
#[must_use]
pub fn decode_page<P: Projection>(
    handlers: &Handlers<P>,
    page: LogPage,
    skips: &[Position],
) -> DecodedPage {
    let mut decoded = DecodedPage {
        events: Vec::with_capacity(page.entries.len()),
        read_up_to: page.read_up_to,
        parked: None,
    };
    for entry in page.entries {
        if skips.binary_search(&entry.position()).is_ok() {
            continue;
        }
        let envelope = match entry {
            Entry::Event(envelope) => envelope,
            Entry::Unreadable(unreadable) => {
                decoded.park(unreadable.position, &*unreadable);
                break;
            }
        };
        match handlers.decode(&envelope) {
            Ok(event) => decoded.events.push(event),
            Err(error) => {
                decoded.park(envelope.position, &error);
                break;
            }
        }
    }
    decoded
}

impl DecodedPage {
    fn park(&mut self, position: Position, error: &dyn std::error::Error) {
        let reason = with_causes(error);
        self.read_up_to = Position(position.0 - 1);
        self.parked = Some(Parked { position, reason });
    }

    /// The rows that the page may change, each once.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self
            .events
            .iter()
            .flat_map(|decoded| decoded.keys.iter().cloned())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Folds the events in order, up to the first that contradicts the rows. `rows` are the existing rows of
    /// [`Self::keys`].
    #[must_use]
    pub fn fold<P: Projection>(
        mut self,
        handlers: &Handlers<P>,
        rows: Vec<(String, P::Row)>,
    ) -> Folded<P> {
        let mut rows: HashMap<String, Slot<P::Row>> = rows
            .into_iter()
            .map(|(key, row)| (key, Slot::loaded(row)))
            .collect();
        let events = std::mem::take(&mut self.events);
        'events: for decoded in &events {
            // Buffered until all rows of the event are folded: if one fails, none may change, because the checkpoint
            // stays before the event.
            let mut changed = Vec::with_capacity(decoded.keys.len());
            for key in &decoded.keys {
                let row = rows.get(key).and_then(|slot| slot.row.clone());
                match handlers.fold(key, row, decoded) {
                    Ok(row) => changed.push((key, row)),
                    Err(error) => {
                        self.park(decoded.envelope.position, &error);
                        break 'events;
                    }
                }
            }
            for (key, row) in changed {
                rows.entry(key.clone()).or_default().set(row);
            }
        }
        let mut changes: Vec<_> = rows
            .into_iter()
            .filter(|(_, slot)| slot.changed)
            .map(|(key, slot)| (key, slot.row))
            .collect();
        // In key order, so that two writers lock rows in the same order and cannot deadlock.
        changes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Folded {
            changes,
            read_up_to: self.read_up_to,
            parked: self.parked,
        }
    }
}

struct Slot<R> {
    row: Option<R>,
    changed: bool,
}

impl<R> Default for Slot<R> {
    fn default() -> Self {
        Self {
            row: None,
            changed: false,
        }
    }
}

impl<R: PartialEq> Slot<R> {
    fn loaded(row: R) -> Self {
        Self {
            row: Some(row),
            changed: false,
        }
    }

    fn set(&mut self, row: Option<R>) {
        self.changed |= self.row != row;
        self.row = row;
    }
}
