//! Rebuilds: the rows of a projection are folded again into a second table, compared with the live ones, and swapped.
//!
//! ```text
//!   start ──► building ──► comparing ──► ready ── swap ──► swapping ──► swapped ── revert ──► reverting ──► reverted
//!               │              │           ▲                  │  ▲          ▲                     │            │
//!               └───── failed ◄┘           └──── it failed ───┘  │          └────── it failed ────┘            │
//!                                                                └──────────────────── swap ───────────────────┘
//!   abort: from any state before the first swap         drop: from swapped and reverted
//! ```
//!
//! An operator's request only changes the state in the database ([`RebuildControl`]). The work is done by a
//! [`RebuildTask`] in any process that folds this projection, under a lease of its own, and in steps that each end with
//! a commit: one that is killed is continued from the checkpoint of the generation, by any process. The live runner folds
//! its generation meanwhile, and does not know of the rebuild.
//!
//! **Comparison.** The live rows change all the time, so they are read in a snapshot. The new generation is folded to
//! exactly the checkpoint in that snapshot; then both are the fold of the same events, and each difference is a fault.
//!
//! **Swap.** One transaction makes the new generation that of the schema version, only if its checkpoint is at or above
//! the live one: positions that readers have seen never decrease. It locks the checkpoint of the live runner and takes
//! its token away, so the next page of that runner is rejected and it starts again, on the new generation. The old one
//! is kept, is not folded any more, and catches up before a revert swaps it back by the same rule.
//!
//! **Fences.** The generations of a rebuild have tokens of its own lease, stored as negative numbers. So a rebuild and a
//! live runner that lost their leases can neither write to a generation that changed hands, whatever their tokens are.
//! They have a negative schema version as well, so that no binary drops them as superseded.

mod compare;
mod control;
mod record;
mod report;
mod store;
mod swap;
mod task;

pub use control::{RebuildControl, RebuildRejection, RebuildRequest};
pub use record::{RebuildState, RebuildStatus};
pub use report::{ColumnDifference, Difference, RebuildReport, RowSample};
pub use store::RebuildRows;
pub use task::RebuildTask;
