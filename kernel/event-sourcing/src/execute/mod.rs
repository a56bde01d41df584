//! From a command to its events: enter the lanes, decide, send, answer.
//!
//! ```text
//!   enter lanes ──► decide ──► send commit ──► wait ──► answer from the decided states
//!    ▲   ▲            │ │                       │
//!    │   └─ needs ────┘ │ rejected, or no   ├─ conflict: drop the tips, decide again
//!    │     another lane ▼ to do                 └─ a repeat: answer from the states at the first receipt
//!    │                check: is what it was decided on durable and still so? was the command done before?
//!    └───── no ─────────┘
//! ```
//!
//! A rejection never meets an append, and the tip may be stale or not durable yet, so a rejection is checked against
//! the store before it is answered. A conflict can only come from another process (or from a commit ahead that
//! such a conflict took along); it is decided again until the command's deadline.

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
