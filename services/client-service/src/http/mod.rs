//! HTTP: `/graphql`, `/graphiql`, `/schema.graphql`, `/health`, `/metrics`.

mod answer;
mod graphql;
mod hosts;
mod media;
pub(crate) mod numbers;
mod pages;
mod request;
mod routes;

pub use answer::Answer;
pub use graphql::Endpoint;
pub use hosts::AllowedHosts;
pub use routes::{Site, router};
