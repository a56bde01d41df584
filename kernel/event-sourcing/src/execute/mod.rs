//! Executes commands: acquire the lanes, decide, send the commit, reply.
//!
//! ```text
//!   acquire lanes ──► decide ──► send commit ──► wait ──► reply from the decided states
//!    ▲   ▲             │ │                        │
//!    │   └─ needs ─────┘ │ rejected, or           ├─ version conflict: invalidate the pending states, decide again
//!    │     another lane  ▼ no events              └─ duplicate: reply from the states at the first receipt
//!    │               check: are the states durable and current? did the command take effect before?
//!    └───── no ──────────┘
//! ```
//!
//! A rejection appends nothing, so no expected version protects it, and the pending state it was decided on may be
//! stale or not durable yet. It is therefore checked against the store before it is returned. A version conflict is
//! caused by another process, or by an earlier commit of this process that failed with such a conflict. The command is
//! decided again until its deadline.

mod acquire;
mod command;
mod decision;
#[cfg(feature = "testing")]
mod dry_run;
mod executor;
mod finish;
mod lane;
mod load;
mod snapshots;
mod state;
mod states;
mod stream_lane;
mod work;

pub use self::command::{Command, Context, ExecuteError, Executed};
#[cfg(feature = "testing")]
pub(crate) use self::dry_run::{Decided, Histories};
pub use self::executor::{Executor, ExecutorConfig, ExecutorTasks};
pub use self::states::States;
pub use self::stream_lane::Lane;
pub use self::work::{DecideError, MissingStream, UnitOfWork};
