//! The messages of subscriptions.
//!
//! Equal subscriptions form a [`Group`](group): each change is executed once and its message sent to all of them. A
//! subscription that begins before the messages that its group remembers reads its changes alone, until it has reached them.
//!
//! ```text
//!   feed ──changes──► group: execute once ──message──► outbox of each member ──► its connection
//!                       ▲  remembers the last messages
//!   pages after a position ──► a subscription that catches up ──joins──┘
//! ```
//!
//! Nothing waits for a client: an outbox that is full closes its connection, and the client may subscribe again at the
//! position of the last message that it got.

mod catch_up;
mod group;
mod hub;

pub use hub::SubscriptionHub;
