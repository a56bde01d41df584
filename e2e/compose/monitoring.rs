//! The overlay of `docker-compose.monitoring.yml`. Of its images only that of Prometheus can be made here, so Compose alone reads the rest.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_shop::{Connection, Request, until_within};

use super::docker::SERVICES;
use super::stack::Stack;

const FILES: [&str; 2] = ["docker-compose.yml", "docker-compose.monitoring.yml"];
/// Twice the longest usual interval between two scrapes, and a start.
const SCRAPE_TIMEOUT: Duration = Duration::from_mins(2);

/// Prometheus of the overlay scrapes all services of the stack that runs.
pub async fn is_scraped() -> Result<()> {
    let overlay = Stack::of(&FILES);
    let mut up = vec!["up", "-d", "prometheus"];
    up.extend(SERVICES);
    overlay.compose(&up).await?;
    overlay.healthy("prometheus").await?;
    until_within(SCRAPE_TIMEOUT, "a scrape of each service", async || {
        let at = "127.0.0.1:9090".parse()?;
        let mut prometheus = Connection::open(at).await?;
        let query = Request::get("/api/v1/query?query=up");
        let found = prometheus.send(&query).await?.json()?;
        for service in SERVICES {
            is_up(&found, service)?;
        }
        Ok(())
    })
    .await
}

fn is_up(found: &Value, service: &str) -> Result<()> {
    let series = found.pointer("/data/result").and_then(Value::as_array);
    let series = series.with_context(|| format!("no result: {found}"))?;
    let is_of_service = |series: &&Value| {
        let instance = series.pointer("/metric/instance").and_then(Value::as_str);
        instance.is_some_and(|instance| instance.starts_with(service))
    };
    let series = series.iter().find(is_of_service);
    let series = series.with_context(|| format!("{service} is not scraped: {found}"))?;
    ensure!(
        series.pointer("/value/1").is_some_and(|up| up == "1"),
        "{series}"
    );
    Ok(())
}
