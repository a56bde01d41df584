//! During an outage of PostgreSQL the conditions of the alerts about it hold at a real Prometheus, and afterwards no longer.

use anyhow::{Context, Result, ensure};
use test_shop::{Operation, until};

use super::queries;
use crate::support::{Prometheus, Shop, Topology, on};

const ALERTS: [&str; 2] = ["AppendsFailing", "ReadSideCannotReadLog"];
const CREATE: &str = "mutation { createCategory(input: { name: \"Tea\" }) { id } }";

#[tokio::test]
async fn an_outage_of_the_event_store_meets_the_conditions_of_its_alerts() -> Result<()> {
    on(Topology::OnOwnServer { each: 1 }, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let prometheus = Prometheus::start(&queries::config(shop)?).await?;
    let rules = prometheus.rules().await?;
    let gateway = shop.system.gateway(0)?;
    let condition = |alert: &str| {
        let rule = rules.iter().find(|rule| rule["name"] == alert);
        let query = rule.and_then(|rule| rule["query"].as_str());
        query
            .map(str::to_owned)
            .with_context(|| format!("no {alert}"))
    };
    let scraped = "count(projection_lag_events == 0) and on () event_store_append_failures_total";
    until("the first scrapes", async || {
        ensure!(
            !prometheus.query(scraped).await?.is_empty(),
            "nothing is scraped"
        );
        Ok(())
    })
    .await?;
    for alert in ALERTS {
        let series = prometheus.query(&condition(alert)?).await?;
        ensure!(series.is_empty(), "{alert} without an outage: {series:?}");
    }
    shop.server()?.stop_immediately().await;
    for alert in ALERTS {
        until(alert, async || {
            // It fails; the rate of failures needs another one after the first scrape of it.
            Operation::new(CREATE).send(gateway).await?;
            let series = prometheus.query(&condition(alert)?).await?;
            ensure!(!series.is_empty(), "the condition does not hold");
            Ok(())
        })
        .await?;
    }
    shop.server()?.start_again().await;
    until("the end of the outage", async || {
        Operation::new("{ categories { name } }")
            .data(gateway)
            .await?;
        let series = prometheus.query(&condition(ALERTS[1])?).await?;
        ensure!(series.is_empty(), "the condition still holds: {series:?}");
        Ok(())
    })
    .await?;
    shop.system.healthy().await
}
