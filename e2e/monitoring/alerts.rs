//! The rules are valid, each alert has a test in which it fires and one in which it does not, and a section of the runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use super::in_repository;
use crate::support::promtool;

const CONFIG: &str = "deploy/prometheus/prometheus.yml";
const RULES: &str = "deploy/prometheus/rules";
const TESTS: &str = "deploy/prometheus/tests";
const RUNBOOK: &str = "docs/operations/runbook.md";

/// What every alert has, in this order.
const KEYS: [&str; 4] = ["severity", "summary", "description", "runbook_url"];

/// The files of a folder.
fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(in_repository(folder)).context(folder.to_owned())?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.sort();
    ensure!(!paths.is_empty(), "{folder} is empty");
    Ok(paths)
}

fn texts(folder: &str) -> Result<String> {
    let texts = files(folder)?.into_iter().map(std::fs::read_to_string);
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n"))
}

/// The value of a key in a line of YAML.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let line = line.trim_start();
    let line = line.strip_prefix("- ").unwrap_or(line);
    let value = line.strip_prefix(key)?.strip_prefix(':')?;
    Some(value.trim().trim_matches('\''))
}

/// The alerts by name, each with its values.
fn alerts(rules: &str) -> BTreeMap<String, Vec<(&'static str, String)>> {
    let mut alerts: BTreeMap<String, Vec<_>> = BTreeMap::new();
    let mut current = None;
    for line in rules.lines() {
        if let Some(name) = value(line, "alert") {
            current = Some(alerts.entry(name.to_owned()).or_default());
        } else if value(line, "record").is_some() {
            current = None;
        }
        for key in KEYS {
            if let (Some(alert), Some(value)) = (current.as_mut(), value(line, key)) {
                alert.push((key, value.to_owned()));
            }
        }
    }
    alerts
}

/// The tested alerts, and whether each is expected to fire.
fn tested(tests: &str) -> BTreeSet<(String, bool)> {
    let mut tested = BTreeSet::new();
    let mut current = "";
    for line in tests.lines() {
        if let Some(name) = value(line, "alertname") {
            current = name;
        }
        if let Some(expected) = value(line, "exp_alerts") {
            tested.insert((current.to_owned(), expected != "[]"));
        }
    }
    tested
}

/// What is missing of alerts, their tests and their sections of the runbook.
fn problems(rules: &str, tests: &str, runbook: &str) -> Vec<String> {
    let (alerts, tested) = (alerts(rules), tested(tests));
    let sections = runbook.lines().filter_map(|line| line.strip_prefix("### "));
    let sections: BTreeSet<_> = sections.collect();
    let mut problems = Vec::new();
    for (name, values) in &alerts {
        for (fires, what) in [(true, "fires"), (false, "does not fire")] {
            if !tested.contains(&(name.clone(), fires)) {
                problems.push(format!("no test in which {name} {what}"));
            }
        }
        let keys: Vec<_> = values.iter().map(|(key, _)| *key).collect();
        if keys != KEYS {
            problems.push(format!("{name} has {keys:?}, not {KEYS:?}"));
        }
        let link = format!("{RUNBOOK}#{}", name.to_lowercase());
        for (key, value) in values {
            let is_right = match *key {
                "severity" => ["critical", "warning"].contains(&value.as_str()),
                "runbook_url" => *value == link && sections.contains(name.as_str()),
                _ => !value.is_empty(),
            };
            if !is_right {
                problems.push(format!("{name} has the {key} {value:?}"));
            }
        }
    }
    let known = |name: &str| alerts.contains_key(name);
    let sections = sections.iter().filter(|name| !known(name));
    problems.extend(sections.map(|name| format!("{RUNBOOK}: there is no alert {name}")));
    let tested = tested.iter().filter(|(name, _)| !known(name));
    problems.extend(tested.map(|(name, _)| format!("{TESTS}: there is no alert {name}")));
    problems
}

#[tokio::test]
async fn promtool_accepts_the_configuration_and_the_rules() -> Result<()> {
    let config = in_repository(CONFIG);
    promtool(&["check", "config", &config.to_string_lossy()]).await?;
    Ok(())
}

#[tokio::test]
async fn the_tests_of_the_alerts_pass() -> Result<()> {
    let files = files(TESTS)?;
    let mut arguments = vec!["test".to_owned(), "rules".to_owned()];
    arguments.extend(files.iter().map(|file| file.to_string_lossy().into_owned()));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    promtool(&arguments).await?;
    Ok(())
}

#[test]
fn every_alert_has_its_tests_and_its_section_of_the_runbook() -> Result<()> {
    let runbook = std::fs::read_to_string(in_repository(RUNBOOK))?;
    let found = problems(&texts(RULES)?, &texts(TESTS)?, &runbook);
    ensure!(found.is_empty(), "{}", found.join("\n"));
    ensure!(
        alerts(&texts(RULES)?).len() >= 30,
        "the rules were not read"
    );
    Ok(())
}

#[test]
fn what_an_alert_lacks_is_found() {
    let rules = "      - alert: OneBad\n        expr: up == 0\n        labels:\n          severity: page\n        annotations:\n          \
        summary: 'It is bad'\n          runbook_url: docs/operations/runbook.md#onebad\n";
    let tests = "      - eval_time: 5m\n        alertname: OneBad\n        exp_alerts: []\n\
        \n        alertname: Gone\n        exp_alerts:\n";
    let found = problems(rules, tests, "### Other\n");
    let expected = [
        "no test in which OneBad fires",
        "OneBad has [\"severity\", \"summary\", \"runbook_url\"], not",
        "OneBad has the severity \"page\"",
        "OneBad has the runbook_url",
        "docs/operations/runbook.md: there is no alert Other",
        "deploy/prometheus/tests: there is no alert Gone",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}");
    }
}
