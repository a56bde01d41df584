//! `shop snapshots list`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::ArgMatches;
use event_sourcing::Snapshot;
use event_sourcing::maintenance::SnapshotSelection;
use platform::StartError;
use serde::Serialize;

use super::select::{failed, for_each};
use crate::event_log::{open_for_reading, uses_snapshots};
use crate::terminal::{Output, stamp, table};

/// The snapshots of one stream type and schema version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SnapshotGroup {
    stream_type: String,
    schema_version: u32,
    /// Whether this binary uses them.
    is_used: bool,
    count: u64,
    bytes: u64,
    oldest: DateTime<Utc>,
    newest: DateTime<Utc>,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let opened = open_for_reading(arguments).await?;
    let mut groups: BTreeMap<(String, u32), SnapshotGroup> = BTreeMap::new();
    let all = SnapshotSelection::default();
    let database = opened.maintenance();
    let listed = for_each(database.as_ref(), &all, |snapshot| {
        let key = (
            snapshot.stream.aggregate_type().to_owned(),
            snapshot.schema_version,
        );
        let group = groups.entry(key).or_insert_with(|| empty(&snapshot));
        group.count += 1;
        group.bytes += snapshot.state.len() as u64;
        group.oldest = group.oldest.min(snapshot.created_at);
        group.newest = group.newest.max(snapshot.created_at);
    });
    let listed = listed.await;
    opened.close().await;
    listed.map_err(failed)?;
    let groups: Vec<_> = groups.into_values().collect();
    Output::of(arguments).write_all(&groups, text);
    Ok(())
}

fn empty(snapshot: &Snapshot) -> SnapshotGroup {
    let stream_type = snapshot.stream.aggregate_type();
    let schema_version = snapshot.schema_version;
    SnapshotGroup {
        stream_type: stream_type.to_owned(),
        schema_version,
        is_used: uses_snapshots(stream_type, schema_version),
        count: 0,
        bytes: 0,
        oldest: snapshot.created_at,
        newest: snapshot.created_at,
    }
}

fn text(groups: &[SnapshotGroup]) -> String {
    let rows: Vec<_> = groups
        .iter()
        .map(|group| {
            [
                group.stream_type.clone(),
                group.schema_version.to_string(),
                if group.is_used { "yes" } else { "no" }.to_owned(),
                group.count.to_string(),
                group.bytes.to_string(),
                stamp(group.oldest),
                stamp(group.newest),
            ]
        })
        .collect();
    let headings = [
        "STREAM TYPE",
        "SCHEMA",
        "USED",
        "COUNT",
        "BYTES",
        "OLDEST",
        "NEWEST",
    ];
    table(headings, &rows)
}
