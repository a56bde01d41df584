//! Rows and pages in memory, as true as the database.
//!
//! A [follower](follower) reads the log up to the projection's checkpoint and throws out what the events touch. Its
//! position is the last checkpoint that it has handled so. What the cache holds is therefore at least as new as that
//! position, and may answer a request for no more. It may also be newer: a load reads the database, which is ahead of the
//! follower for a moment. So each row and page keeps the position that it was read at, and is what the log made both
//! there and, if the follower is further, at the follower's position; the later of the two is what an answer carries.
//! Since the follower could be cut off from the database without
//! knowing, it must also have been confirmed to stand at the checkpoint within the last [`MAX_AGE`].
//!
//! ```text
//!   load:        ticket ─► read the database ─► insert, if nothing was thrown out under the ticket since
//!   follower:                 commit seen ─► read its events ─► throw out ─► publish the position
//!   answer:      read the position ─► look up
//! ```
//!
//! The orders matter. A load that began before a row was thrown out may have read it as it was before; one that began
//! after cannot, because the commit was seen before. An answer reads the position first, so that what it finds is at
//! least that new.

pub mod follower;
mod pages;
mod rows;
mod table;

use std::time::Duration;

pub use pages::PageCache;
pub use rows::{LoadToken, RowCache};
pub use table::TableCache;

/// The longest time since the last confirmation in which the cache may answer.
pub const MAX_AGE: Duration = Duration::from_millis(100);
