//! HTTP: `/graphql`, `/graphiql`, `/schema.graphql`, `/health`, `/metrics`.

mod endpoint;
mod hosts;
mod idempotency;
mod media;
mod pages;
mod request;
mod responder;
mod response;
mod routes;

pub use endpoint::Endpoint;
pub use hosts::AllowedHosts;
pub use routes::{Site, router};
