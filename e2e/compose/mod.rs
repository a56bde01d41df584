//! The containers of `docker-compose.yml`, on a real Docker engine.
//!
//! They take the ports of the documentation and make the images that Compose would get from a registry, so they need an engine of
//! their own, and root. `e2e/compose/run` starts one and runs them; `cargo test` alone ignores them.

mod docker;
mod hardening;
mod images;
mod monitoring;
mod outages;
mod stack;
mod tour;
