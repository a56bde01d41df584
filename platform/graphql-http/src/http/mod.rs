//! HTTP: `/graphql`, `/graphiql`, `/schema.graphql`, `/health`, `/metrics`.

mod compression;
mod cors;
mod endpoint;
mod etag;
mod hosts;
mod idempotency;
mod media;
mod pages;
mod request;
mod responder;
mod response;
mod routes;

pub use cors::AllowedOrigins;
pub use endpoint::Endpoint;
pub use hosts::AllowedHosts;
pub use routes::{Site, router};
