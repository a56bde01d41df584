//! Clients of the two services, with retries under one deadline, only where they are safe.
//!
//! A write is idempotent by its command id; a read changes nothing. A read side that has not reached the position of a
//! request has waited for it already, so its status is returned without a retry. Each kind of entity has a file with its
//! calls; the state shared by the calls of one GraphQL request is its [`RequestContext`].

mod batch;
mod category;
mod changes;
mod command;
mod health;
mod idempotency;
pub(crate) mod load;
mod loaders;
mod order;
mod policy;
pub(crate) mod probes;
mod product;
mod query;
mod request_context;
mod saga;
mod services;

pub use changes::{ChangedRow, Feed, FeedEvent, Feeds, Listener, Notice, Page, Selection, Trigger};
pub use command::CommandReply;
pub use policy::Policy;
pub use request_context::RequestContext;
pub use services::{Channels, Services};
