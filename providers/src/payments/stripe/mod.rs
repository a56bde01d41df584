//! Payments by Stripe, or by a compatible server.
//!
//! ```text
//!   charge                                                  undo
//!   ──────                                                  ────
//!   ledger: insert the key                                  ledger: close the key
//!   create an intent            no money is taken yet            │
//!   ledger: the key's intent ◄── only if the key is open         │
//!   confirm the intent          the money is taken          intent: cancel it, or if it was confirmed refund it
//! ```
//!
//! The [`ledger`], in the command database, stores which intent belongs to which key. It is written before the intent is
//! confirmed, and never changes. Only that intent is ever confirmed, and Stripe takes the money of an intent once. So:
//! - after a lost response, or a `500` that Stripe replays for the same idempotency key, the intent is read, and then
//!   confirmed with a new idempotency key; neither can charge twice;
//! - after 24 hours, when Stripe has deleted its idempotency keys, the intent is still the same;
//! - an undo always has an intent to cancel or refund, or it is certain that nothing was confirmed; a concurrent charge
//!   between creation and confirmation finds the key closed, or the intent cancelled.
//!
//! An intent that was created but whose id was lost is never confirmed: no money is taken, and it expires.

mod api;
mod event;
mod intent;
mod ledger;
mod payments;
mod settings;
mod signature;
mod webhook;

#[cfg(feature = "testing")]
pub use event::{Event, EventSubject};
pub use payments::StripePayments;
pub use settings::StripeSettings;
pub(in crate::payments) use settings::is_id;
pub use signature::{SignatureError, TOLERANCE, verify};
pub use webhook::{PATH as WEBHOOK_PATH, Webhook};
