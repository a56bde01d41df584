//! Every metric has its help, and every help its metric.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::repository::{Repository, has_extension};

/// Where the help is.
const HELP: &str = "platform/src/metric_help.rs";
/// The macros of the library, and what renders the metrics of the process.
const CALLS: [&str; 4] = ["counter!(", "gauge!(", "histogram!(", "metric("];

/// Names that are in one place only.
pub fn problems(repository: &Repository) -> Result<Vec<String>> {
    let help = repository.read(HELP)?;
    let files = repository.files(is_concerned)?;
    let texts: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
    Ok(compare(&help, &texts))
}

fn is_concerned(path: &str) -> bool {
    has_extension(path, "rs")
        && path.contains("/src/")
        && !["tools/", "benches/", HELP]
            .iter()
            .any(|place| path.starts_with(place))
}

fn compare(help: &str, texts: &[&str]) -> Vec<String> {
    let helped: BTreeSet<&str> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("(\"")?.split('"').next())
        .collect();
    let used: BTreeSet<&str> = texts.iter().flat_map(|text| names(text)).collect();
    let without_help = used
        .difference(&helped)
        .map(|name| format!("{name} has no help in {HELP}"));
    let without_use = helped
        .difference(&used)
        .map(|name| format!("{HELP}: no code writes {name}"));
    without_help.chain(without_use).collect()
}

/// The names that metrics are written with.
fn names(text: &str) -> Vec<&str> {
    let calls = CALLS.iter().flat_map(|call| text.split(call).skip(1));
    calls
        .filter_map(|arguments| arguments.trim_start().strip_prefix('"')?.split('"').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::compare;

    #[test]
    fn a_metric_without_help_and_a_help_without_metric_are_found() {
        let help = "const METRICS: … = &[\n    (\"a_total\", Counter, \"Of a\"),\n    (\"b\", Gauge, \"Of b\"),\n];";
        let used = "metrics::counter!(\"a_total\").increment(1);\nmetrics::histogram!(\n    \"c_seconds\",\n    \"x\" => y);";
        let problems = compare(help, &[used]);
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("c_seconds "), "{problems:?}");
        assert!(problems[1].ends_with(" b"), "{problems:?}");
        let other = "metrics::gauge!(\"b\", \"pool\" => \"x\").set(1);";
        assert_eq!(compare(help, &[used, other]).len(), 1);
    }
}
