//! Webhooks that we send: events are posted to the programs of others, one at a time.
//!
//! ```text
//!  WEBHOOKS_FILE ─► [`WebhookSettings`] ─► one [`WebhookPublisher`] an endpoint
//!                                             │ deliver(envelope), once
//!                                             ▼
//!                     POST, CloudEvents 1.0 in JSON, signed as Standard Webhooks says
//! ```
//!
//! A publisher makes one attempt. The caller follows the log, keeps the order of a stream's events, retries with backoff
//! and parks what fails too often: it must, because an endpoint gets an event at least once and may fail for days. All
//! attempts for an event have the same `webhook-id` and the same body, so that the receiver recognizes repeats.
//!
//! | the endpoint returns | [`CallError`](sagas::CallError) | what the caller does |
//! | --- | --- | --- |
//! | 2xx | none | goes to the next event |
//! | 410 | `Refused` | passes the event: the receiver wants no more |
//! | 429, 503 | `NotDone`, with the time that `Retry-After` asks for | retries, not before |
//! | other 5xx, a lost connection, no answer in time | `Unknown` | retries: the receiver recognizes the repeat |
//! | 3xx, all other 4xx | `NotDone` | retries, and parks the stream if it lasts: an operator must correct something |
//!
//! No 4xx but 410 is permanent. Most are mistakes of the configuration (a wrong path, an old secret, a receiver that was
//! deployed too late), and an event that was passed because of one is lost to the receiver.

mod cloud_event;
mod endpoint;
mod file;
mod publisher;
mod section;
mod settings;
mod signing_secret;

pub use endpoint::WebhookEndpoint;
pub use publisher::WebhookPublisher;
pub use settings::WebhookSettings;
