//! Payments by Stripe, or by who speaks like it.
//!
//! ```text
//!   charge                                                  undo
//!   ──────                                                  ────
//!   ledger: the key has begun                               ledger: the key is closed
//!   create an intent            nothing is taken yet             │
//!   ledger: the key's intent ◄── only if the key is open         │
//!   confirm the intent          the money is taken          intent: cancel it, or if it was confirmed refund it
//! ```
//!
//! The [`ledger`], in the command database, holds which intent belongs to which key; it is written before the intent
//! is confirmed, and never changes. Only that intent is ever confirmed, and Stripe takes the money of an intent once.
//! So:
//! - an answer that was lost, or a `500` that Stripe repeats for as long as it remembers the request, is followed by a
//!   look at the intent, and then by a confirmation under another key of Stripe's; neither can charge twice;
//! - after 24 hours, when Stripe has forgotten its idempotency keys, the intent is still the same;
//! - an undo always has something to cancel, or knows that nothing was ever confirmed; whoever is between creating and
//!   confirming at that moment finds the key closed, or the intent cancelled.
//!
//! An intent that was created but whose id was lost is never confirmed: it takes no money and expires.

mod api;
mod intent;
mod ledger;
mod payments;
mod settings;
mod signature;
mod webhook;

pub use payments::StripePayments;
pub use settings::StripeSettings;
pub(in crate::payments) use settings::is_id;
pub use signature::{SignatureError, TOLERANCE, verify};
pub use webhook::{PATH as WEBHOOK_PATH, Webhook};
