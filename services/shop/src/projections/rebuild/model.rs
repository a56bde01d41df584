//! Rebuilds as they are printed.

use chrono::{DateTime, Utc};
use contract::query::{self, RebuildDifference, RebuildState};
use serde::Serialize;

use crate::terminal::{fields, line, stamp, table};

/// A rebuild.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rebuild {
    pub projection: String,
    pub state: &'static str,
    pub generation: i64,
    pub previous_generation: Option<i64>,
    pub automatic: bool,
    pub who: String,
    pub reason: String,
    pub requested_at: DateTime<Utc>,
    /// The position of the generation that is filled or kept.
    pub position: Option<i64>,
    pub head: i64,
    pub report: Option<Report>,
    pub failure: Option<String>,
}

/// How the rebuilt rows differ from the live ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub position: i64,
    pub live_rows: i64,
    pub rebuilt_rows: i64,
    pub only_live: i64,
    pub only_rebuilt: i64,
    pub changed: i64,
    pub columns: Vec<Column>,
    pub samples: Vec<Sample>,
}

/// How many rows differ in a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Column {
    pub name: String,
    pub rows: i64,
}

/// A difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    pub key: String,
    pub difference: &'static str,
    pub column: Option<String>,
    pub live: Option<String>,
    pub rebuilt: Option<String>,
}

impl From<query::Rebuild> for Rebuild {
    fn from(rebuild: query::Rebuild) -> Self {
        Self {
            state: state(rebuild.state()),
            projection: rebuild.projection,
            generation: rebuild.generation,
            previous_generation: rebuild.previous_generation,
            automatic: rebuild.automatic,
            who: rebuild.who,
            reason: rebuild.reason,
            requested_at: DateTime::from_timestamp_micros(rebuild.requested_at_micros)
                .unwrap_or_default(),
            position: rebuild.position,
            head: rebuild.head,
            report: rebuild.report.map(Report::from),
            failure: Some(rebuild.failure).filter(|failure| !failure.is_empty()),
        }
    }
}

impl From<query::RebuildReport> for Report {
    fn from(report: query::RebuildReport) -> Self {
        let columns = report.columns.into_iter().map(|column| Column {
            name: column.name,
            rows: column.rows,
        });
        let samples = report.samples.into_iter().map(|sample| Sample {
            difference: difference(sample.difference()),
            key: sample.key,
            column: sample.column,
            live: sample.live,
            rebuilt: sample.rebuilt,
        });
        Self {
            position: report.position,
            live_rows: report.live_rows,
            rebuilt_rows: report.rebuilt_rows,
            only_live: report.only_live,
            only_rebuilt: report.only_rebuilt,
            changed: report.changed,
            columns: columns.collect(),
            samples: samples.collect(),
        }
    }
}

fn state(state: RebuildState) -> &'static str {
    match state {
        RebuildState::Building => "building",
        RebuildState::Comparing => "comparing",
        RebuildState::Ready => "ready",
        RebuildState::Swapping => "swapping",
        RebuildState::Swapped => "swapped",
        RebuildState::Reverting => "reverting",
        RebuildState::Reverted => "reverted",
        RebuildState::Failed => "failed",
        RebuildState::Aborted => "aborted",
        RebuildState::Dropped => "dropped",
        // A newer service may send a state that this binary does not know.
        RebuildState::Unspecified => "unknown",
    }
}

fn difference(difference: RebuildDifference) -> &'static str {
    match difference {
        RebuildDifference::OnlyLive => "only live",
        RebuildDifference::OnlyRebuilt => "only rebuilt",
        RebuildDifference::Changed => "changed",
        RebuildDifference::Unspecified => "unknown",
    }
}

impl Rebuild {
    /// Whether a service is working on it.
    pub fn is_running(&self) -> bool {
        ["building", "comparing", "swapping", "reverting"].contains(&self.state)
    }

    /// The generation that is kept after a swap or a revert.
    pub fn kept(&self) -> Option<i64> {
        match self.state {
            "swapped" => self.previous_generation,
            "reverted" => Some(self.generation),
            _ => None,
        }
    }

    /// The state in a few words, for the list of projections.
    pub fn summary(&self) -> String {
        match (self.kept(), self.position) {
            (Some(kept), _) => format!("{}, g{kept} kept", self.state),
            (None, Some(position)) if self.is_running() => {
                format!("{} {position} of {}", self.state, self.head)
            }
            _ => self.state.to_owned(),
        }
    }
}

/// The text of a rebuild.
pub fn text(rebuild: &Rebuild) -> String {
    let mut lines = vec![
        ("Projection", rebuild.projection.clone()),
        ("State", rebuild.state.to_owned()),
        (
            "Rebuilt table",
            format!("{}_g{}", rebuild.projection, rebuild.generation),
        ),
        (
            "Requested",
            format!(
                "{} by {}: {}",
                stamp(rebuild.requested_at),
                rebuild.who,
                rebuild.reason
            ),
        ),
    ];
    if let Some(kept) = rebuild.kept() {
        lines.push(("Kept table", format!("{}_g{kept}", rebuild.projection)));
    }
    if let Some(position) = rebuild.position {
        lines.push(("Position", format!("{position} of {}", rebuild.head)));
    }
    if let Some(failure) = &rebuild.failure {
        lines.push(("Failure", failure.clone()));
    }
    let mut parts = Vec::new();
    if let Some(report) = &rebuild.report {
        lines.extend(totals(report));
        parts.extend(tables(report));
    }
    parts.insert(0, fields(&lines).trim_end().to_owned());
    if let Some(advice) = advice(rebuild) {
        parts.push(advice);
    }
    parts.join("\n\n")
}

fn totals(report: &Report) -> [(&'static str, String); 2] {
    let different = report.only_live + report.only_rebuilt + report.changed;
    let differences = match different {
        0 => "none".to_owned(),
        _ => format!(
            "{different}: {} changed, {} only live, {} only rebuilt",
            report.changed, report.only_live, report.only_rebuilt
        ),
    };
    let compared = format!(
        "at position {}: {} live rows, {} rebuilt rows",
        report.position, report.live_rows, report.rebuilt_rows
    );
    [("Compared", compared), ("Differences", differences)]
}

fn tables(report: &Report) -> Vec<String> {
    let mut tables = Vec::new();
    if !report.columns.is_empty() {
        let columns = report.columns.iter();
        let rows: Vec<_> = columns
            .map(|column| [line(&column.name), column.rows.to_string()])
            .collect();
        tables.push(table(["COLUMN", "ROWS"], &rows));
    }
    if !report.samples.is_empty() {
        let rows: Vec<_> = report.samples.iter().map(sample).collect();
        let headings = ["SAMPLE", "DIFFERENCE", "COLUMN", "LIVE", "REBUILT"];
        tables.push(table(headings, &rows));
    }
    tables
}

fn sample(sample: &Sample) -> [String; 5] {
    // A value may be null, which is not the empty text; a whole row has no value.
    let value = |value: &Option<String>| match (value, &sample.column) {
        (Some(value), _) => line(value),
        (None, Some(_)) => "null".to_owned(),
        (None, None) => String::new(),
    };
    [
        line(&sample.key),
        sample.difference.to_owned(),
        line(sample.column.as_deref().unwrap_or_default()),
        value(&sample.live),
        value(&sample.rebuilt),
    ]
}

fn advice(rebuild: &Rebuild) -> Option<String> {
    let name = line(&rebuild.projection);
    let advice = match rebuild.state {
        "ready" => format!(
            "Use the rebuilt rows:   shop projections swap {name}\n\
             Drop the rebuilt rows:  shop projections abort {name}"
        ),
        "swapped" => format!(
            "Return to the previous rows:  shop projections revert {name}\n\
             Drop the previous rows:       shop projections drop {name}"
        ),
        "reverted" => format!(
            "Use the rebuilt rows again:  shop projections swap {name}\n\
             Drop the rebuilt rows:       shop projections drop {name}"
        ),
        "failed" => format!(
            "Continue once the cause is fixed:  shop projections rebuild {name} --reason REASON\n\
             Drop the rebuilt rows:             shop projections abort {name}"
        ),
        _ if rebuild.is_running() => format!(
            "It continues in the query-service. Follow it:  shop projections rebuild {name} --reason REASON"
        ),
        _ => return None,
    };
    Some(advice)
}
