//! Read models: rows that are folded from events, with a checkpoint that says how far.
//!
//! A projection is pure: handlers fold events, one row at a time. The [runner] reads a page of the log, loads the rows that the page touches, folds
//! in memory, and has the store write rows and checkpoint in one transaction. Rebuild and live path are the same
//! code. So each row equals the fold of its events up to the checkpoint, whatever crashed when.

mod build;
pub mod control;
mod debounce;
pub mod fold;
mod handlers;
mod parking;
pub mod runner;
pub mod store;

use std::fmt::Debug;

pub use crate::decision::{Actor, Decision};
pub use control::{ControlEvent, ProjectionControl, decisions};
pub use fold::{Folded, decode_page};
pub use handlers::{Decoded, EventContext, Handler, Handlers};
pub use runner::{Runner, RunnerConfig, RunnerState};
pub use store::{PageWrite, Parked, ProjectionProgress, ProjectionStore};

/// Folds events into rows.
///
/// ```
/// # use event_sourcing::testing::doc::{Counter, Incremented};
/// use event_sourcing::projection::{EventContext, Handlers, Projection};
///
/// /// The value of each counter.
/// struct Values;
///
/// impl Projection for Values {
///     const NAME: &'static str = "values";
///     const SCHEMA_VERSION: u32 = 1;
///     type Row = u64;
///
///     fn handlers(on: &mut Handlers<Self>) {
///         on.aggregate::<Counter>(add);
///     }
/// }
///
/// fn add(row: Option<u64>, event: &Incremented, _: EventContext<'_>) -> Option<u64> {
///     Some(row.unwrap_or(0) + event.by)
/// }
/// ```
pub trait Projection: Send + Sync + Sized + 'static {
    /// The stored name, also of its table or view.
    const NAME: &'static str;
    /// The shape of its rows. Raise it when the fold or the columns change: a binary builds a new generation then.
    const SCHEMA_VERSION: u32;
    /// A row. It has a key, which is a text.
    type Row: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Says which events concern it and how they are folded. It is called once and must say the same each time.
    fn handlers(on: &mut Handlers<Self>);
}

/// An event that contradicts the rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FoldError(pub String);
