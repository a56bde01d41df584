//! Every query of the dashboards returns data, and every rule can be evaluated, at a Prometheus that scrapes the running system.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use test_shop::until_within;

use super::{in_repository, load, reference};
use crate::support::{Prometheus, Shop, Topology, on_with};

const CONFIG: &str = "deploy/prometheus/prometheus.yml";
const DASHBOARDS: &str = "deploy/grafana/dashboards";
const SOURCES: &str = "deploy/grafana/provisioning/datasources/datasources.yml";
/// The interval of the committed configuration, and that of the test.
const INTERVALS: (&str, &str) = ("15s", "500ms");
/// For the scrapes, and for the evaluations of the recorded rules.
const LIMIT: Duration = Duration::from_mins(1);

/// Functions of `PromQL` whose names have an underscore, as those of metrics do.
const FUNCTIONS: [&str; 2] = ["histogram_quantile", "max_over_time"];

#[tokio::test]
async fn every_query_of_the_dashboards_and_rules_finds_its_series() -> Result<()> {
    on_with(
        Topology::THREE_PROCESSES,
        &load::SETTINGS,
        async |shop: &mut Shop| {
            let prometheus = Prometheus::start(&config(shop)?).await?;
            let socket = load::run(shop).await?;
            let checked = check(&prometheus).await;
            if checked.is_err() {
                eprintln!("{}", prometheus.log().await);
            }
            drop(socket);
            checked
        },
    )
    .await
}

async fn check(prometheus: &Prometheus) -> Result<()> {
    for (panel, query) in panels()? {
        until_within(LIMIT, &panel, async || finds(prometheus, &query).await).await?;
    }
    let misspelt = finds(prometheus, "sum(rate(comand_duration_seconds_count[5m]))").await;
    ensure!(misspelt.is_err(), "a misspelt name is found");
    let rules = prometheus.rules().await?;
    ensure!(rules.len() >= 35, "only {} rules", rules.len());
    let recorded: BTreeSet<_> = rules.iter().filter_map(recorded).collect();
    for rule in &rules {
        let name = rule["name"].as_str().context("a rule without a name")?;
        until_within(LIMIT, name, async || evaluated(prometheus, name).await).await?;
        let query = rule["query"].as_str().context("a rule without a query")?;
        let names = names(query);
        ensure!(
            !names.is_empty() || query.contains("up"),
            "{name} is about nothing"
        );
        for series in names {
            let is_known = recorded.contains(series) || is_expected(series)?;
            let found = until_within(LIMIT, name, async || finds(prometheus, series).await);
            ensure!(
                !is_known || found.await.is_ok(),
                "{name} is about {series}, which has no series"
            );
        }
    }
    Ok(())
}

/// The committed configuration, with the addresses of this system and a short interval.
fn config(shop: &Shop) -> Result<String> {
    let mut config = std::fs::read_to_string(in_repository(CONFIG))?;
    let rules = in_repository("deploy/prometheus/rules");
    let replaced = [
        ("client-service:4000", shop.system.gateway(0)?.to_string()),
        (
            "command-service:9569",
            shop.system.command_metrics()?.to_string(),
        ),
        (
            "query-service:9570",
            shop.system.query_metrics()?.to_string(),
        ),
        (
            " rules/*.yml",
            format!(" {}/*.yml", rules.canonicalize()?.display()),
        ),
        (INTERVALS.0, INTERVALS.1.to_owned()),
    ];
    for (committed, own) in replaced {
        ensure!(config.contains(committed), "{CONFIG} has no {committed}");
        config = config.replace(committed, &own);
    }
    Ok(config)
}

async fn finds(prometheus: &Prometheus, query: &str) -> Result<()> {
    let series = prometheus.query(query).await?;
    ensure!(!series.is_empty(), "nothing is found by {query}");
    Ok(())
}

/// Succeeds once a rule was evaluated without an error.
async fn evaluated(prometheus: &Prometheus, name: &str) -> Result<()> {
    let rules = prometheus.rules().await?;
    let mut rules = rules.iter().filter(|rule| rule["name"] == name);
    let is_well = rules.all(|rule| rule["health"] == "ok");
    ensure!(is_well, "{name}: {:?}", rules.next());
    Ok(())
}

fn recorded(rule: &Value) -> Option<&str> {
    let is_recorded = rule["type"] == "recording";
    rule["name"].as_str().filter(|_| is_recorded)
}

/// Whether a series of this name must exist. Fails if the reference does not have it.
fn is_expected(series: &str) -> Result<bool> {
    let known = reference::read()?;
    let bases = ["_bucket", "_sum", "_count"].into_iter();
    let bases = bases.filter_map(|suffix| series.strip_suffix(suffix));
    let mut names = std::iter::once(series).chain(bases);
    let metric = names.find_map(|name| known.get(name));
    let metric = metric.with_context(|| format!("there is no metric {series}"))?;
    Ok(metric.is_always_present)
}

/// The names of metrics in a query: what has an underscore or a colon and is no function.
fn names(query: &str) -> BTreeSet<&str> {
    // Every second part is a string.
    let code = query.split('"').step_by(2);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let words = code.flat_map(|code| code.split(move |c| !is_part(c)));
    words
        .filter(|word| word.contains(['_', ':']) && !FUNCTIONS.contains(word))
        .collect()
}

/// The queries of all panels, each with the names of its dashboard and panel.
fn panels() -> Result<Vec<(String, String)>> {
    let sources = std::fs::read_to_string(in_repository(SOURCES))?;
    let mut queries = Vec::new();
    let mut ids = BTreeSet::new();
    for entry in std::fs::read_dir(in_repository(DASHBOARDS))? {
        let path = entry?.path();
        let dashboard: Value = serde_json::from_slice(&std::fs::read(&path)?)
            .with_context(|| path.display().to_string())?;
        let id = dashboard["uid"]
            .as_str()
            .context("a dashboard without a uid")?;
        ensure!(ids.insert(id.to_owned()), "two dashboards are {id}");
        let panels = dashboard["panels"].as_array().context("no panels")?;
        for panel in panels {
            let title = panel["title"].as_str().context("a panel without a title")?;
            let source = panel["datasource"]["uid"].as_str().context("no source")?;
            ensure!(
                sources.contains(&format!("uid: {source}\n")),
                "{title}: no source {source}"
            );
            let targets = panel["targets"].as_array().context("no targets")?;
            ensure!(!targets.is_empty(), "{title} of {id} shows nothing");
            for target in targets {
                let query = target["expr"]
                    .as_str()
                    .context("a target without a query")?;
                let query = query.replace("$__rate_interval", "5m");
                queries.push((format!("{title} of {id}"), query));
            }
        }
    }
    ensure!(ids.len() >= 6, "only {} dashboards", ids.len());
    Ok(queries)
}

#[test]
fn the_metrics_of_a_query_are_found() {
    let query = "histogram_quantile(0.95, sum by (path, le) (rate(a_seconds_bucket{b_c=\"d_e\"}[5m]))) > job:f:g and on () h";
    assert_eq!(
        names(query),
        BTreeSet::from(["a_seconds_bucket", "b_c", "job:f:g"])
    );
}
