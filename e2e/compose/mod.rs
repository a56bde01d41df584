//! The containers of `docker-compose.yml`, on a real Docker engine.
//!
//! They take the ports of the documentation and make the images that Compose would get from a registry, so they need an engine of
//! their own, and root. `e2e/compose/run` starts one and runs these tests; `cargo test` alone ignores them.

mod docker;
mod hardening;
mod images;
mod monitoring;
mod outages;
mod stack;
mod tour;

use anyhow::{Context, Result};

use stack::on_stack;

#[tokio::test]
#[ignore = "needs a Docker engine of its own: e2e/compose/run"]
async fn the_documented_command_starts_a_confined_stack_that_shows_the_tour() -> Result<()> {
    on_stack(async |stack| {
        tour::shows_the_output(stack).await.context("the tour")?;
        let confined = hardening::is_confined(stack).await;
        confined.context("the processes of the containers")?;
        monitoring::is_scraped().await.context("Prometheus")
    })
    .await
}

#[tokio::test]
#[ignore = "needs a Docker engine of its own: e2e/compose/run"]
async fn killed_containers_and_cut_networks_lose_nothing_acknowledged() -> Result<()> {
    on_stack(async |stack| {
        outages::survives_kills(stack).await.context("kills")?;
        outages::survives_cuts(stack).await.context("cuts")
    })
    .await
}
