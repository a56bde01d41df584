//! Read models: rows folded from events, with a checkpoint.
//!
//! A projection is pure: its handlers fold events into one row at a time. The [runner] reads a page of the log, loads
//! the rows that the page touches, folds in memory, and lets the store write rows and checkpoint in one transaction. A
//! [rebuild](Rebuilder) uses the same code as the live path. Each row therefore equals the fold of its events up to the checkpoint,
//! whatever crashed when.

mod build;
mod config;
pub mod control;
mod debounce;
pub mod fold;
mod handlers;
mod page;
mod parking;
mod rebuild;
pub mod runner;
pub mod store;

use std::fmt::Debug;

pub use crate::decision::{Actor, Decision};
pub use config::RunnerConfig;
pub use control::{ControlEvent, ProjectionControl, decisions};
pub use fold::{Folded, decode_page};
pub use handlers::{Decoded, EventContext, Handler, Handlers};
pub use rebuild::{RebuildError, Rebuilder};
pub use runner::{Runner, RunnerState};
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
    /// The stored name, also the name of its table or view.
    const NAME: &'static str;
    /// The version of its rows' schema. Raise it when the fold or the columns change: the binary then builds a new
    /// generation of rows.
    const SCHEMA_VERSION: u32;
    /// A row. It is stored under a text key.
    type Row: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Registers the events that it folds, each with its handler. Called once per runner; every call must register the
    /// same handlers.
    fn handlers(on: &mut Handlers<Self>);
}

/// An event that contradicts the rows. It parks the projection; the text is shown to operators.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FoldError(pub String);
