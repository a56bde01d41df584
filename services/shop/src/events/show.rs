//! `shop events show`.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::ArgMatches;
use event_sourcing::envelope::Envelope;
use event_sourcing::store::Entry;
use event_sourcing::{Filter, Position};
use event_store_any::{AnyEventStore, Settings as StoreSettings};
use platform::{Settings, StartError};
use serde::Serialize;
use serde_json::Value;

use crate::config::event_store_url;
use crate::terminal::{Output, fields, stamp};

/// An event as it is written.
#[derive(Debug, Serialize)]
struct StoredEvent {
    position: u64,
    stream_type: String,
    stream_id: String,
    version: u64,
    event_type: String,
    schema_version: u32,
    event_id: String,
    /// Of the first event of a commit only.
    command_id: Option<String>,
    recorded_at: DateTime<Utc>,
    data: Value,
    metadata: Value,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let position = arguments.get_one::<i64>("position").copied();
    let position = Position(position.unwrap_or_default().unsigned_abs());
    let url = Settings::from_process(arguments).read(event_store_url)?;
    let failed = |error| StartError::failed("open the event store", error);
    let opened = AnyEventStore::open_read_only(url.as_str(), StoreSettings::default());
    let opened = opened.await.map_err(failed)?;
    let found = read(&opened, position).await;
    opened.close().await;
    let event = StoredEvent::of(found?.as_ref())?;
    Output::of(arguments).write(&event, text);
    Ok(())
}

async fn read(opened: &AnyEventStore, position: Position) -> Result<Arc<Envelope>, StartError> {
    let failed = |why: String| StartError::failed(format!("show event {}", position.0), why);
    let before = Position(position.0.saturating_sub(1));
    let page = opened.store().read_all(before, &Filter::ALL, 1).await;
    let page = page.map_err(|error| StartError::failed("read the event store", error))?;
    let head = page.head.0;
    match page.entries.into_iter().next() {
        Some(Entry::Event(envelope)) => Ok(envelope),
        Some(Entry::Unreadable(unreadable)) => Err(failed(unreadable.to_string())),
        None => Err(failed(format!(
            "there is no such event, the log ends at {head}"
        ))),
    }
}

impl StoredEvent {
    fn of(envelope: &Envelope) -> Result<Self, StartError> {
        let json = |error| StartError::failed("read the event's JSON", error);
        Ok(Self {
            position: envelope.position.0,
            stream_type: envelope.stream.aggregate_type().to_owned(),
            stream_id: envelope.stream.aggregate_id().to_owned(),
            version: envelope.version.0,
            event_type: envelope.event_type.clone(),
            schema_version: envelope.schema_version,
            event_id: envelope.event_id.to_string(),
            command_id: envelope.command_id.map(|id| id.to_string()),
            recorded_at: envelope.recorded_at,
            data: serde_json::from_str(&envelope.data).map_err(json)?,
            metadata: serde_json::to_value(&envelope.metadata).map_err(json)?,
        })
    }
}

fn text(event: &StoredEvent) -> String {
    let mut all = vec![
        ("Position", event.position.to_string()),
        (
            "Stream",
            format!(
                "{}/{}, version {}",
                event.stream_type, event.stream_id, event.version
            ),
        ),
        (
            "Type",
            format!(
                "{}, schema version {}",
                event.event_type, event.schema_version
            ),
        ),
        ("Recorded", stamp(event.recorded_at)),
        ("Event id", event.event_id.clone()),
    ];
    if let Some(command) = &event.command_id {
        all.push(("Command id", command.clone()));
    }
    all.push(("Data", event.data.to_string()));
    all.push(("Metadata", event.metadata.to_string()));
    fields(&all).trim_end().to_owned()
}
