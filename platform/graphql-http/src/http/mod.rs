//! HTTP: `/graphql` (also as WebSocket and as event stream), `/graphiql`, `/schema.graphql`, `/health`, `/metrics`.

mod accept;
mod bounded_buffer;
mod compression;
mod cors;
mod endpoint;
mod etag;
mod event_stream;
mod explorer;
mod fields;
mod graphiql;
mod headers;
mod hosts;
mod idempotency;
mod json;
mod media;
mod operation;
mod outbox;
mod page;
mod pages;
mod request;
mod responder;
mod response;
mod routes;
mod subscriptions;
mod unrouted;
mod websocket;

pub use endpoint::Endpoint;
pub use explorer::{Explorer, Sample};
pub use graphiql::{GraphiqlError, GraphiqlFolder};
pub use hosts::AllowedHosts;
pub use outbox::{Item, Outbox};
pub use page::AllowedOrigins;
pub use responder::Responder;
pub use response::HttpResponse;
pub use routes::{Site, router};
pub use subscriptions::{Rejected, SocketLimits, SubscriptionStart, Subscriptions};
