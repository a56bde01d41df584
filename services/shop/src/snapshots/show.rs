//! `shop snapshots show`.

use chrono::{DateTime, Utc};
use clap::ArgMatches;
use event_sourcing::snapshot::MarkedState;
use event_sourcing::{Snapshot, StreamId};
use platform::StartError;
use serde::Serialize;
use serde_json::Value;

use super::select::{failed, for_each, selection};
use crate::event_log::open_for_reading;
use crate::terminal::{Output, fields, stamp};

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StoredSnapshot {
    stream_type: String,
    stream_id: String,
    schema_version: u32,
    version: u64,
    created_at: DateTime<Utc>,
    /// The last event that it includes; none if its format is unknown.
    event_id: Option<String>,
    state: Value,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some(stream) = arguments.get_one::<StreamId>("stream") else {
        unreachable!("it is required");
    };
    let opened = open_for_reading(arguments).await?;
    let mut snapshots = Vec::new();
    let database = opened.maintenance();
    let selection = selection(arguments);
    let read = for_each(database.as_ref(), &selection, |snapshot| {
        snapshots.push(StoredSnapshot::of(&snapshot));
    });
    let read = read.await;
    opened.close().await;
    read.map_err(failed)?;
    if snapshots.is_empty() {
        let why = "it has no snapshot";
        return Err(StartError::failed(
            format!("show the snapshots of {stream}"),
            why,
        ));
    }
    Output::of(arguments).write_all(&snapshots, |snapshots| {
        let texts: Vec<_> = snapshots.iter().map(text).collect();
        texts.join("\n").trim_end().to_owned()
    });
    Ok(())
}

impl StoredSnapshot {
    fn of(snapshot: &Snapshot) -> Self {
        let marked = MarkedState::read(&snapshot.state);
        let state = marked
            .as_ref()
            .map_or(snapshot.state.as_str(), MarkedState::state);
        Self {
            stream_type: snapshot.stream.aggregate_type().to_owned(),
            stream_id: snapshot.stream.aggregate_id().to_owned(),
            schema_version: snapshot.schema_version,
            version: snapshot.version.0,
            created_at: snapshot.created_at,
            event_id: marked.as_ref().map(|marked| marked.event_id.to_string()),
            state: serde_json::from_str(state).unwrap_or_else(|_| Value::from(state)),
        }
    }
}

fn text(snapshot: &StoredSnapshot) -> String {
    let stream = format!("{}/{}", snapshot.stream_type, snapshot.stream_id);
    let event_id = snapshot.event_id.clone();
    fields(&[
        ("Stream", format!("{stream}, version {}", snapshot.version)),
        ("Schema version", snapshot.schema_version.to_string()),
        ("Created", stamp(snapshot.created_at)),
        (
            "Last event",
            event_id.unwrap_or_else(|| "unknown".to_owned()),
        ),
        ("State", snapshot.state.to_string()),
    ])
}
