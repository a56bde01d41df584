//! `shop events verify`.

use clap::ArgMatches;
use event_sourcing::verify::Report;
use platform::StartError;

use crate::event_log::{open_for_reading, verify_log};
use crate::terminal::{Output, fields, line, table};

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let samples = arguments.get_one::<u64>("samples").copied();
    let opened = open_for_reading(arguments).await?;
    let report = verify_log(&opened, samples.unwrap_or_default()).await;
    opened.close().await;
    let report = report?;
    Output::of(arguments).write(&report, text);
    if report.is_whole() {
        return Ok(());
    }
    let count: u64 = report.counts.values().sum();
    let findings = if count == 1 { "finding" } else { "findings" };
    Err(StartError::failed(
        "verify the event store",
        format!("it is damaged: {count} {findings}"),
    ))
}

pub(super) fn text(report: &Report) -> String {
    let mut text = fields(&[
        ("Log", report.log.to_string()),
        ("Head", report.head.to_string()),
        ("Events", report.events.to_string()),
        ("Commits", report.commits.to_string()),
        ("Streams", report.streams.to_string()),
        ("Snapshots", report.snapshots.to_string()),
    ]);
    if report.is_whole() {
        text.push_str("Findings   none");
        return text;
    }
    text.push('\n');
    let counts = report.counts.iter();
    let counts: Vec<_> = counts
        .map(|(kind, count)| [kind.name().to_owned(), count.to_string()])
        .collect();
    text.push_str(&table(["FINDING", "COUNT"], &counts));
    text.push_str("\n\n");
    let findings = report.findings.iter().map(|finding| {
        let positions = match (finding.first, finding.last) {
            (Some(first), Some(last)) => format!("{first}-{last}"),
            (Some(first), None) => first.to_string(),
            _ => "-".to_owned(),
        };
        let version = finding.version.map(|version| version.to_string());
        [
            positions,
            finding.kind.name().to_owned(),
            finding
                .stream
                .as_deref()
                .map_or_else(|| "-".to_owned(), line),
            version.unwrap_or_else(|| "-".to_owned()),
            line(&finding.detail),
        ]
    });
    let findings: Vec<_> = findings.collect();
    let headings = ["POSITION", "FINDING", "STREAM", "VERSION", "DETAIL"];
    text.push_str(&table(headings, &findings));
    text
}
