//! The list of metrics is in order, and the reference is made from it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::metric_help::{Kind, METRICS, Presence, Values};

const REFERENCE: &str = "../docs/reference/metrics.md";

/// The suffixes of names that state a unit.
const UNITS: &[(&str, &str)] = &[
    ("_timestamp_seconds", "seconds since 1970"),
    ("_start_time_seconds", "seconds since 1970"),
    ("_seconds", "seconds"),
    ("_bytes", "bytes"),
    ("_events", "events"),
    ("_position", "position of the log"),
    ("_state", "state"),
    ("_info", "1"),
];

fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let known = UNITS.iter().find(|(suffix, _)| name.ends_with(suffix));
    known.map_or("count", |(_, unit)| unit)
}

fn labels(labels: &[(&str, Values)]) -> String {
    let shown = labels.iter().map(|(name, values)| match values {
        Values::OneOf(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("`{value}`")).collect();
            format!("`{name}`: {}", values.join(", "))
        }
        Values::Like(text) => format!("`{name}`: {text}"),
    });
    shown.collect::<Vec<_>>().join("<br>")
}

fn reference() -> String {
    let mut page = "# Metrics\n\n\
        Made from `platform/src/metric_help.rs` by `UPDATE_GOLDEN=1 cargo test -p platform metric`; a test compares it with what the\n\
        running services export. [Logs and metrics](../operations/logs-and-metrics.md) explains the groups, the\n\
        [runbook](../operations/runbook.md) what to do about them.\n\n\
        A histogram has the series `_bucket` (with the label `le`), `_sum` and `_count`. *Present* is when a process has the metric:\n\
        *always* means at the latest after the first request, event or saga of the kind that it measures. `shop` has the metrics of all\n\
        three services.\n\n\
        | name | type | unit | labels | services | present | meaning |\n\
        | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for (name, kind, services, presence, own, help) in METRICS {
        let services: Vec<_> = services.iter().map(|name| format!("`{name}`")).collect();
        let presence = match presence {
            Presence::Always => "always".to_owned(),
            Presence::When(condition) => format!("with: {condition}"),
        };
        // Writing to a `String` cannot fail.
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {} | {} | {presence} | {help} |",
            kind.name(),
            unit(name),
            labels(own),
            services.join(", "),
        );
    }
    page
}

#[test]
fn the_reference_of_the_metrics_is_made_from_their_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(REFERENCE);
    let made = reference();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &made).expect("written");
    }
    let page = fs::read_to_string(&path).expect("the reference");
    assert_eq!(page, made, "UPDATE_GOLDEN=1 rewrites it");
}

#[test]
fn the_list_of_metrics_is_sorted_and_only_counters_end_in_total() {
    assert!(METRICS.is_sorted_by(|(one, ..), (other, ..)| one < other));
    for (name, kind, services, _, labels, help) in METRICS {
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(!help.is_empty() && !help.ends_with('.'), "{name}");
        assert!(!services.is_empty(), "{name}");
        for (label, values) in *labels {
            let has_values = match values {
                Values::OneOf(values) => values.len() > 1,
                Values::Like(text) => !text.is_empty(),
            };
            assert!(has_values, "{name}: {label}");
        }
    }
}
