//! The processes export exactly the metrics of `docs/reference/metrics.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use test_shop::{Connection, Request, until};

use super::{in_repository, load};
use crate::support::{Shop, Topology, check_metrics, on_with};

const PAGE: &str = "docs/reference/metrics.md";

/// A metric of the reference.
pub struct Metric {
    kind: String,
    labels: BTreeMap<String, Values>,
    services: Vec<String>,
    pub is_always_present: bool,
}

/// The values of a label.
enum Values {
    OneOf(Vec<String>),
    Described,
}

/// The metrics of the reference by name.
pub fn read() -> Result<BTreeMap<String, Metric>> {
    let page = std::fs::read_to_string(in_repository(PAGE)).context(PAGE)?;
    page.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| parse(line).with_context(|| format!("{PAGE} has the line {line}")))
        .collect()
}

fn parse(line: &str) -> Result<(String, Metric)> {
    let cells: Vec<_> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [name, kind, _unit, labels, services, present, _meaning] = cells.as_slice() else {
        anyhow::bail!("it has {} cells", cells.len());
    };
    let labels = labels.split("<br>").filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, values) = label.split_once(": ").context("a label without values")?;
        let values = if values.starts_with('`') {
            Values::OneOf(quoted(values))
        } else {
            Values::Described
        };
        Ok((name.trim_matches('`').to_owned(), values))
    });
    let metric = Metric {
        kind: (*kind).to_owned(),
        labels: labels.collect::<Result<_>>()?,
        services: quoted(services),
        is_always_present: *present == "always",
    };
    Ok((name.trim_matches('`').to_owned(), metric))
}

/// What is in backticks.
fn quoted(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}

/// A sample of an exposition, without its value.
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
}

impl<'a> Sample<'a> {
    fn parse(line: &'a str) -> Self {
        let (series, _) = line.rsplit_once(' ').unwrap_or((line, ""));
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let labels = labels.filter_map(|label| label.split_once("=\""));
        let labels = labels.map(|(name, value)| (name, value.trim_end_matches('"')));
        Self {
            name,
            labels: labels.collect(),
        }
    }
}

/// Compares what a process exports with the reference of its services.
fn compare(text: &str, known: &BTreeMap<String, Metric>, services: &[&str]) -> Result<()> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let types: BTreeMap<_, _> = types.filter_map(|line| line.split_once(' ')).collect();
    let is_of_these = |metric: &Metric| {
        let mut services = services.iter();
        services.any(|service| metric.services.iter().any(|known| known == service))
    };
    for (name, kind) in &types {
        let metric = known.get(*name);
        let metric = metric.with_context(|| format!("{PAGE} has no {name}"))?;
        ensure!(is_of_these(metric), "{PAGE}: {services:?} has {name}, too");
        ensure!(metric.kind == *kind, "{PAGE}: {name} is a {kind}");
    }
    let mut seen = BTreeSet::new();
    for line in text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let sample = Sample::parse(line);
        let name = family(sample.name, &types);
        let metric = known.get(name);
        let metric = metric.with_context(|| format!("{PAGE} has no {name}"))?;
        has_labels(&sample, metric).with_context(|| format!("{PAGE} differs from {line}"))?;
        seen.insert(name.to_owned());
    }
    let mut expected = known.iter().filter(|(_, metric)| is_of_these(metric));
    let missing = expected.find(|(name, metric)| metric.is_always_present && !seen.contains(*name));
    ensure!(
        missing.is_none(),
        "{services:?} has no {}",
        missing.map_or("", |(name, _)| name)
    );
    Ok(())
}

/// The metric that a series belongs to.
fn family<'a>(series: &'a str, types: &BTreeMap<&str, &str>) -> &'a str {
    let suffixes = ["_bucket", "_sum", "_count"].into_iter();
    let mut bases = suffixes.filter_map(|suffix| series.strip_suffix(suffix));
    let histogram = bases.find(|base| types.get(base) == Some(&"histogram"));
    histogram.unwrap_or(series)
}

fn has_labels(sample: &Sample<'_>, metric: &Metric) -> Result<()> {
    let own = sample.labels.iter().filter(|(name, _)| *name != "le");
    let names: BTreeSet<_> = own.clone().map(|(name, _)| *name).collect();
    let expected: BTreeSet<_> = metric.labels.keys().map(String::as_str).collect();
    ensure!(
        names == expected,
        "the labels are {names:?}, not {expected:?}"
    );
    for (name, value) in own {
        if let Some(Values::OneOf(values)) = metric.labels.get(*name) {
            ensure!(
                values.iter().any(|known| known == value),
                "{name} is {value:?}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_reference_has_the_metrics_of_one_process_on_sqlite() -> Result<()> {
    on_with(
        Topology::OneProcess,
        &load::SETTINGS,
        async |shop: &mut Shop| {
            let socket = load::run(shop).await?;
            let all = ["client-service", "command-service", "query-service"];
            exports(shop.system.gateway(0)?, &all).await?;
            drop(socket);
            Ok(())
        },
    )
    .await
}

#[tokio::test]
async fn the_reference_has_the_metrics_of_three_processes_on_postgres() -> Result<()> {
    on_with(
        Topology::THREE_PROCESSES,
        &load::SETTINGS,
        async |shop: &mut Shop| {
            let socket = load::run(shop).await?;
            exports(shop.system.gateway(0)?, &["client-service"]).await?;
            exports(shop.system.command_metrics()?, &["command-service"]).await?;
            exports(shop.system.query_metrics()?, &["query-service"]).await?;
            drop(socket);
            Ok(())
        },
    )
    .await
}

async fn exports(address: SocketAddr, services: &[&str]) -> Result<()> {
    let known = read()?;
    until(&format!("the metrics of {services:?}"), async || {
        let mut connection = Connection::open(address).await?;
        let reply = connection.send(&Request::get("/metrics")).await?;
        let text = String::from_utf8(reply.body.to_vec())?;
        compare(&text, &known, services)?;
        ensure!(
            !text.contains(load::INVENTED),
            "a client has invented the value of a label"
        );
        check_metrics(&text).await
    })
    .await
}

#[test]
fn a_difference_from_the_reference_is_found() {
    let known = read().expect("the reference");
    let service = ["query-service"];
    let differs = |text: &str| {
        let found = compare(text, &known, &service).expect_err(text);
        format!("{found:#}")
    };
    let unknown = differs("# TYPE invented_total counter\ninvented_total 1\n");
    assert!(unknown.contains("has no invented_total"), "{unknown}");
    let elsewhere = differs("# TYPE saga_active gauge\nsaga_active 1\n");
    assert!(elsewhere.contains("has saga_active, too"), "{elsewhere}");
    let kind = differs("# TYPE change_streams counter\nchange_streams 1\n");
    assert!(kind.contains("change_streams is a counter"), "{kind}");
    let label = differs("# TYPE change_streams gauge\nchange_streams{client=\"x\"} 1\n");
    assert!(label.contains("the labels are {\"client\"}"), "{label}");
    let requests = "# TYPE cache_requests_total counter\ncache_requests_total";
    let value = differs(&format!(
        "{requests}{{table=\"orders\",outcome=\"lost\"}} 1\n"
    ));
    assert!(value.contains("outcome is \"lost\""), "{value}");
    let missing = differs("# TYPE change_streams gauge\nchange_streams 1\n");
    assert!(missing.contains("has no build_info"), "{missing}");
}
