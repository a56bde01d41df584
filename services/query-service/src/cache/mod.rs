//! Rows and pages in memory, as consistent as the database.
//!
//! A [follower] reads the log up to the projection's checkpoint and invalidates the rows that the events
//! change. Its position is the last checkpoint that it has processed. Cached rows are at least as new as that
//! position, so the cache may answer requests up to it. They may also be newer: a load reads the database, which can
//! briefly be ahead of the follower. So each row and page stores the position that it was read at; it is valid there
//! and, if the follower is further, at the follower's position, and an answer carries the later of the two. Since the
//! follower could lose its connection without noticing, its position must also have been confirmed within the last
//! [`MAX_AGE`].
//!
//! ```text
//!   load:        ticket ─► read the database ─► insert, unless invalidated since the ticket
//!   follower:                 commit seen ─► read its events ─► invalidate ─► publish the position
//!   answer:      read the position ─► look up
//! ```
//!
//! Both orders matter. A load that started before an invalidation may have read the old row, so its insert is
//! rejected; a load that started after it reads the new row, because the commit was visible first. An answer reads
//! the position before the row, so that the row is at least that new.

pub mod follower;
mod pages;
mod rows;
mod table;

pub use pages::PageCache;
pub use read_model_sql::MAX_AGE;
pub use rows::{LoadToken, RowCache};
pub use table::TableCache;
