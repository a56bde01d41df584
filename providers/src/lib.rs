//! Providers of the sagas' external steps, payments and shipping, and of notifications to customers. A URL selects each.
//!
//! ```text
//!               provider of a step   by URL
//!  saga step ─► [`Payments`]      ─► simulated:// │ stripe+https://…
//!  (in domain)  [`Shipping`]      ─► simulated:// │ https://…
//!               [`Notifications`] ─► log://       │ smtp://… smtps://…
//! ```
//!
//! Every action has an [`OperationKey`](sagas::OperationKey), its idempotency key: all calls with the same key have the same
//! request, and a repeated call returns the first response. If the outcome of a call is unknown, the caller first uses
//! [`StepProvider::look_up`](sagas::StepProvider::look_up). An undo reverses the action of its key and closes the key: an
//! action that is delayed and arrives after its undo is declined. So the order and the number of their arrivals do not
//! matter.
//!
//! ```text
//!              action                  undo
//!  (absent) ───────────► done ───────────────────► undone, closed
//!     │  │                                            │
//!     │  └─ declined ──► declined ◄───────── action ──┘
//!     └───────── undo ───────────────────► closed ─── action ──► declined
//! ```
//!
//! [`webhooks`] are not providers of steps: they post events to external programs.
//!
//! The caller sets all timeouts, by dropping the call. A dropped call may still take effect at the provider.

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
