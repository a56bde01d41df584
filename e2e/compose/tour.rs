//! The README's tour against the containers.

use anyhow::{Context, Result};

use super::stack::{GATEWAY, Stack};
use crate::readme_tour::{ShopAddress, tour_of};
use crate::support::binaries;

pub async fn shows_the_output(stack: &Stack) -> Result<()> {
    let shop = binaries().await?.path("shop")?.display();
    let settings = stack.compose(&["config"]).await?;
    let password = settings
        .lines()
        .find_map(|line| line.trim().strip_prefix("POSTGRES_PASSWORD: "));
    let password = password.context("no POSTGRES_PASSWORD")?;
    let events = format!("postgres://postgres:{password}@127.0.0.1:5434/event_store");
    let address = ShopAddress {
        url: format!("http://{GATEWAY}"),
        // Here the write side is a process of its own.
        metrics: "http://127.0.0.1:9569/metrics".to_owned(),
        seed: format!("{shop} seed"),
        events: format!("{shop} events --event-store-url {events}"),
    };
    tour_of("README.md", &address).await
}
