//! Outgoing webhooks: events are posted to external programs, one at a time.
//!
//! ```text
//!  WEBHOOKS_FILE ─► [`WebhookSettings`] ─► one [`WebhookPublisher`] an endpoint
//!                                             │ deliver(envelope), once
//!                                             ▼
//!                     POST, CloudEvents 1.0 in JSON, signed according to Standard Webhooks
//! ```
//!
//! A publisher makes one attempt. The caller follows the log, preserves the order of a stream's events, retries with
//! backoff and parks a stream that fails too often: delivery is at least once, and an endpoint may fail for days. All
//! attempts for an event have the same `webhook-id` and the same body, so that the receiver recognizes repeats.
//!
//! | the endpoint returns | [`CallError`](sagas::CallError) | what the caller does |
//! | --- | --- | --- |
//! | 2xx | none | continues with the next event |
//! | 410 | `Declined` | skips the event: the receiver wants no more |
//! | 429, 503 | `Transient`, with the time of `Retry-After` | retries, not before |
//! | other 5xx, a lost connection, a timeout | `Unknown` | retries: the receiver recognizes the repeat |
//! | 3xx, all other 4xx | `Transient` | retries, and parks the stream if it lasts: an operator must correct something |
//!
//! No 4xx except 410 is permanent. Most are errors of the configuration (a wrong path, an old secret, a receiver that was
//! deployed too late), and an event that was skipped because of one would be lost to the receiver.

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
