//! Changes of the read side, for subscriptions.
//!
//! One stream of the query-service per [`Source`](source::Source) serves all subscriptions of the process. It carries only what changed and
//! where; a row is read once, by the first subscription that needs it. Subscriptions that are older than the stream read
//! pages of their own until they have reached it.
//!
//! ```text
//!   query-service ──one stream per source──► Feed ──what it selected──► Listener (bounded)
//!                 ◄──pages after a position── changes_after
//! ```
//!
//! A feed that loses its stream resumes it at its position, at whichever query-service answers, so that nothing is missing
//! and nothing comes twice.

mod feed;
mod listener;
mod notice;
mod page;
mod selection;
mod source;

pub use feed::{Feed, Feeds};
pub use listener::{FeedEvent, Listener};
pub use notice::{ChangedRow, Notice};
pub use page::Page;
pub use selection::{Selection, Trigger};
