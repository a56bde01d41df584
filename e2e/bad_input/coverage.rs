//! What the tables cover: every class of input at every entry point, or why not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};

use super::class::Class;
use super::config::CONFIG;
use super::cursor::CURSOR;
use super::event_stream::EVENT_STREAM;
use super::grpc::GRPC;
use super::http::HTTP;
use super::jwks::JWKS;
use super::jwt::JWT;
use super::table::{Case, EntryPoint};
use super::webhook::WEBHOOK;
use super::websocket::WEBSOCKET;
use crate::support::report;

const ENTRY_POINTS: [&EntryPoint; 9] = [
    &HTTP,
    &WEBSOCKET,
    &EVENT_STREAM,
    &GRPC,
    &JWT,
    &JWKS,
    &WEBHOOK,
    &CURSOR,
    &CONFIG,
];
const MIN_CASES: usize = 500;

/// The number of cases by class.
fn counted(cases: &[Case]) -> BTreeMap<Class, usize> {
    let mut counts = BTreeMap::new();
    for case in cases {
        *counts.entry(case.class).or_default() += 1;
    }
    counts
}

#[test]
fn every_class_of_input_is_tried_at_every_entry_point_or_the_table_says_why_not() -> Result<()> {
    let mut missing = Vec::new();
    let mut columns = Vec::new();
    for entry in ENTRY_POINTS {
        let counts = counted(&entry.cases()?);
        let tables = entry.tables()?;
        let absent: BTreeSet<_> = tables
            .iter()
            .flat_map(|table| table.absent.keys())
            .collect();
        for class in Class::all() {
            if counts.contains_key(&class) == absent.contains(&class) {
                missing.push(format!("{}: {class}", entry.name));
            }
        }
        columns.push(counts);
    }
    report(&matrix(&columns)?);
    ensure!(
        missing.is_empty(),
        "neither cases nor a reason, or both:\n{}",
        missing.join("\n")
    );
    Ok(())
}

/// The numbers of cases, for a reader of the test's output.
fn matrix(columns: &[BTreeMap<Class, usize>]) -> Result<String> {
    let mut text = format!("{:18}", "");
    for entry in ENTRY_POINTS {
        write!(text, "{:>14}", entry.name)?;
    }
    for class in Class::all() {
        write!(text, "\n{class:18}")?;
        for counts in columns {
            write!(
                text,
                "{:>14}",
                counts.get(&class).copied().unwrap_or_default()
            )?;
        }
    }
    Ok(text)
}

#[test]
fn the_tables_have_at_least_500_different_rejections_and_some_at_every_entry_point() -> Result<()> {
    let mut all = 0;
    for entry in ENTRY_POINTS {
        let cases = entry.cases()?;
        let rejected = cases.iter().filter(|case| case.rejected.is_some()).count();
        ensure!(rejected > 0, "nothing is rejected by {}", entry.name);
        ensure!(
            rejected < cases.len(),
            "nothing is accepted by {}",
            entry.name
        );
        let mut seen = BTreeSet::new();
        for case in &cases {
            let is_new = seen.insert((&case.request, &case.input));
            ensure!(is_new, "{} has {:?} twice", entry.name, case.input);
        }
        all += rejected;
    }
    ensure!(all >= MIN_CASES, "{all} cases");
    Ok(())
}

/// Bad input is the sender's fault. Only a provider without usable keys makes tokens unverifiable for a while. The status
/// `Internal` of gRPC for bytes that are no message is that of its specification.
#[test]
fn no_table_expects_a_failure_of_the_server() -> Result<()> {
    for entry in ENTRY_POINTS {
        for case in entry.cases()? {
            let Some(answer) = &case.rejected else {
                continue;
            };
            let is_failure = answer.status.starts_with('5') || answer.status.contains("INTERNAL");
            let is_allowed =
                entry.name == JWKS.name && answer.status.starts_with("503 SERVICE_UNAVAILABLE");
            ensure!(
                !is_failure || is_allowed,
                "{}: {:?}",
                entry.name,
                case.input
            );
        }
    }
    Ok(())
}

#[test]
fn a_case_without_an_answer_is_an_error() {
    let table = |row: &str| {
        let text = format!("[[group]]\nabout = \"x\"\ncases = [[{row}]]");
        let text: &'static str = text.leak();
        let files: &'static [&'static str] = vec![text].leak();
        EntryPoint { name: "x", files }.cases().context("cases")
    };
    assert!(table("'empty', '', '400', 'a message'").is_ok());
    assert!(table("'empty', '', 'a message'").is_err());
    assert!(table("'emptiness', '', '400', 'a message'").is_err());
}
