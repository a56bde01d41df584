//! Read models: rows that are folded from events, with a checkpoint that says how far.
//!
//! A projection is pure. The [runner](runner) reads a page of the log, loads the rows that the page touches, folds
//! in memory, and has the store write rows and checkpoint in one transaction. Rebuild and live path are the same
//! code. So each row equals the fold of its events up to the checkpoint, whatever crashed when.

mod build;
pub mod control;
pub mod fold;
mod idle;
mod origin;
mod parking;
pub mod runner;
pub mod store;

use std::fmt::Debug;
use std::hash::Hash;

pub use control::{Actor, ControlEvent, Decision, ProjectionControl, decisions};
pub use fold::{Folded, decode_page};
pub use runner::{Runner, RunnerConfig, RunnerState};
pub use store::{PageWrite, Parked, Progress, ProjectionStore};

use crate::aggregate::DecodeError;
use crate::event::Envelope;
use crate::store::Filter;

/// Folds events into rows.
pub trait Projection: Send + Sync + 'static {
    /// The stored name, also of its table or view.
    const NAME: &'static str;
    /// The shape of its rows. Raise it when the fold or the columns change: a binary builds a new generation then.
    const SCHEMA_VERSION: u32;
    /// Names a row.
    type Key: Clone + Debug + Eq + Hash + Ord + Send + Sync + 'static;
    /// A row.
    type Row: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// The events that it understands, decoded.
    type Event: Send + Sync + 'static;

    /// The events that concern it: the types of the streams that it follows, without the event types that it knows and
    /// ignores. What it neither folds nor ignores parks it, so that an event of a newer binary is not passed over. A
    /// filter by event type ignores all others, known or not.
    fn filter(&self) -> Filter;

    /// Reads an event that passed the filter.
    ///
    /// # Errors
    /// [`DecodeError`] parks the projection in front of the event; [`DecodeError::UnknownType`] for every type that it
    /// does not fold.
    fn decode(&self, envelope: &Envelope) -> Result<Self::Event, DecodeError>;

    /// The rows that the event may change.
    fn keys(&self, event: &Self::Event, envelope: &Envelope) -> Vec<Self::Key>;

    /// The row `key` behind the event; nothing if it is deleted, or was missing and stays so.
    ///
    /// # Errors
    /// [`FoldError`] parks the projection in front of the event.
    fn fold(
        &self,
        key: &Self::Key,
        row: Option<Self::Row>,
        event: &Self::Event,
        envelope: &Envelope,
    ) -> Result<Option<Self::Row>, FoldError>;
}

/// An event that contradicts the rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FoldError(pub String);
