//! How the rows of a rebuild differ from the live ones.

use event_sourcing::Position;
use serde::{Deserialize, Serialize};

/// Samples of each column, of missing rows, and of surplus rows.
const MAX_SAMPLES: usize = 3;
/// Samples of all kinds.
const MAX_ALL_SAMPLES: usize = 20;
/// Characters of a value in a sample.
const MAX_VALUE_CHARS: usize = 200;

/// The result of comparing all rows at one position.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RebuildReport {
    /// Both tables were the fold of the events up to here.
    pub position: Position,
    /// The number of live rows.
    pub live_rows: u64,
    /// The number of rebuilt rows.
    pub rebuilt_rows: u64,
    /// Rows that only the live table has.
    pub only_live: u64,
    /// Rows that only the rebuilt table has.
    pub only_rebuilt: u64,
    /// Rows that both have, with different values.
    pub changed: u64,
    /// The columns with different values, in the order of the table.
    pub columns: Vec<ColumnDifference>,
    /// A few of the differences, in the order of the rows.
    pub samples: Vec<RowSample>,
}

/// How many rows differ in a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDifference {
    /// The column.
    pub name: String,
    /// The number of rows.
    pub rows: u64,
}

/// What a sample shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Difference {
    /// Only the live table has the row.
    OnlyLive,
    /// Only the rebuilt table has the row.
    OnlyRebuilt,
    /// The values of a column differ.
    Changed,
}

/// A difference. Long values are truncated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowSample {
    /// The key of the row.
    pub key: String,
    /// What differs.
    pub difference: Difference,
    /// The column, if values differ.
    pub column: Option<String>,
    /// The live value; `None` if it is null, or if a whole row is missing or surplus.
    pub live: Option<String>,
    /// The rebuilt value, likewise.
    pub rebuilt: Option<String>,
}

impl RebuildReport {
    /// The number of rows that differ.
    #[must_use]
    pub fn differences(&self) -> u64 {
        self.only_live + self.only_rebuilt + self.changed
    }

    pub(super) fn add_row(&mut self, key: &str, difference: Difference) {
        match difference {
            Difference::OnlyLive => self.only_live += 1,
            Difference::OnlyRebuilt => self.only_rebuilt += 1,
            Difference::Changed => {
                self.changed += 1;
                return;
            }
        }
        self.add_sample(RowSample {
            key: key.to_owned(),
            difference,
            column: None,
            live: None,
            rebuilt: None,
        });
    }

    pub(super) fn add_value(
        &mut self,
        key: &str,
        column: &str,
        live: Option<&str>,
        rebuilt: Option<&str>,
    ) {
        match self.columns.iter_mut().find(|known| known.name == column) {
            Some(known) => known.rows += 1,
            None => self.columns.push(ColumnDifference {
                name: column.to_owned(),
                rows: 1,
            }),
        }
        self.add_sample(RowSample {
            key: key.to_owned(),
            difference: Difference::Changed,
            column: Some(column.to_owned()),
            live: live.map(truncate),
            rebuilt: rebuilt.map(truncate),
        });
    }

    fn add_sample(&mut self, sample: RowSample) {
        let alike = self.samples.iter().filter(|known| {
            (known.difference, &known.column) == (sample.difference, &sample.column)
        });
        if alike.count() < MAX_SAMPLES && self.samples.len() < MAX_ALL_SAMPLES {
            self.samples.push(sample);
        }
    }
}

fn truncate(value: &str) -> String {
    match value.char_indices().nth(MAX_VALUE_CHARS) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…", &value[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_few_of_each_kind_and_short() {
        let mut report = RebuildReport::default();
        let long = "é".repeat(500);
        for number in 0..50 {
            let key = number.to_string();
            report.add_row(&key, Difference::Changed);
            report.add_value(&key, "price", Some("1"), Some("2"));
            report.add_value(&key, "name", None, Some(&long));
            report.add_row(&key, Difference::OnlyLive);
        }
        assert_eq!((report.changed, report.only_live), (50, 50));
        assert_eq!(report.differences(), 100);
        let rows: Vec<_> = report.columns.iter().map(|column| column.rows).collect();
        assert_eq!(rows, [50, 50]);
        assert_eq!(report.samples.len(), 3 * MAX_SAMPLES);
        let shown = report.samples[1]
            .rebuilt
            .as_ref()
            .map(|value| value.chars().count());
        assert_eq!(shown, Some(MAX_VALUE_CHARS + 1));
    }

    /// Reports are stored; a newer binary reads them.
    #[test]
    fn the_stored_shape_does_not_change() {
        let stored = r#"{"position":7,"liveRows":2,"rebuiltRows":2,"onlyLive":0,"onlyRebuilt":0,"changed":1,"columns":[{"name":"price","rows":1}],"samples":[{"key":"a","difference":"changed","column":"price","live":"1","rebuilt":"2"}]}"#;
        let mut report = RebuildReport {
            position: Position(7),
            live_rows: 2,
            rebuilt_rows: 2,
            ..RebuildReport::default()
        };
        report.add_row("a", Difference::Changed);
        report.add_value("a", "price", Some("1"), Some("2"));
        assert_eq!(serde_json::to_string(&report).ok().as_deref(), Some(stored));
        assert_eq!(serde_json::from_str(stored).ok(), Some(report));
    }
}
