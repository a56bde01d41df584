//! One client for each service: a deadline over all tries, and tries only where they are safe.
//!
//! A write carries a command id, so sending it again cannot do it twice; a read changes nothing. What the read
//! side answers about a position that it has not reached is an answer, not a failure, and is not tried again. The calls
//! about one thing are in a file of its name; what a GraphQL request knows of all its calls is its [`RequestContext`].

mod batch;
mod call;
mod category;
mod command;
mod health;
mod idempotency;
mod journal;
pub(crate) mod load;
mod loaders;
mod order;
mod origin;
mod policy;
pub(crate) mod probes;
mod product;
mod query;
mod request_context;
mod saga;
mod services;

pub use command::CommandReply;
pub use idempotency::{Claim, Lease};
pub use journal::{Entry, verdict};
pub use origin::Origin;
pub use policy::{Policy, RetryPolicy};
pub use request_context::RequestContext;
pub use services::{Channels, Services};
