//! Providers of the sagas' external steps, and of notifications: who takes the money, brings the goods, and tells the customers. A URL chooses each.
//!
//! ```text
//!               provider of a step   by URL
//!  saga step ─► [`Payments`]      ─► simulated:// │ stripe+https://…
//!  (elsewhere)  [`Shipping`]      ─► simulated:// │ https://…
//!               [`Notifications`] ─► log://       │ smtp://… smtps://…
//! ```
//!
//! Every action goes under a [`OperationKey`](sagas::OperationKey) that names it for ever. The same key asks for the same thing, so a
//! repeat is answered like the first call and never acts twice. A caller that does not know how a call ended asks
//! [`StepProvider::look_up`](sagas::StepProvider::look_up) before it does anything else. An undo reverses what happened under its key, and closes the
//! key: an action that was delayed and comes after its undo is refused. So it does not matter in which order the two
//! arrive, nor how often. Keys, failures and what became of an action are told in the words of the crate `sagas`.
//!
//! ```text
//!              action                  undo
//!  (absent) ───────────► done ───────────────────► undone, closed
//!     │  │                                            │
//!     │  └─ declined ──► refused ◄────────── action ──┘
//!     └───────── undo ───────────────────► closed ─── action ──► refused
//! ```
//!
//! [`webhooks`] are another matter: they tell programs of others what happened, one event at a time.
//!
//! The caller sets every time limit, by dropping the call. A dropped call may still happen at the provider, as a
//! request that was sent does.

mod certificates;
mod error;
mod http_client;
pub mod notifications;
pub mod payments;
mod registry;
mod secret;
mod settings;
pub mod shipping;
mod signing_key;
pub mod simulated;
mod url;
pub mod webhooks;

pub use error::ProvidersError;
pub use notifications::{Notification, NotificationKind, Notifications};
pub use payments::Payments;
pub use registry::Providers;
pub use secret::Secret;
pub use settings::ProviderSettings;
pub use shipping::Shipping;
pub use webhooks::{WebhookPublisher, WebhookSettings};
