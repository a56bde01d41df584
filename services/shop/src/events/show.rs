//! `shop events show`.

use clap::ArgMatches;
use event_sourcing::store::Entry;
use event_sourcing::{EventStore, Filter, Position, StoreError};
use platform::StartError;
use serde::Serialize;

use crate::event_log::{
    EventView, Related, commit_of, event_line, events_of_order, open_for_reading, unreadable,
};
use crate::terminal::{Output, fields, stamp};

/// How far before and after the event other events of the same request are searched.
const WINDOW: u64 = 1_000;
/// The maximum number of related events on each side.
const MAX_RELATED: usize = 50;

/// An event, with what was written together with it, before it, and because of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownEvent {
    #[serde(flatten)]
    event: EventView,
    /// The events of its commit, itself included.
    commit: Vec<EventView>,
    /// What the same request wrote, and what concerns the same order, before the commit.
    causes: Vec<EventView>,
    /// The same after the commit.
    effects: Vec<EventView>,
    /// The order whose events `causes` and `effects` include, wherever they are.
    order_id: Option<String>,
    /// The positions that were searched for the request.
    searched: Searched,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Searched {
    first: u64,
    last: u64,
}

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let position = arguments.get_one::<i64>("position").copied();
    let position = Position(position.unwrap_or_default().unsigned_abs());
    let opened = open_for_reading(arguments).await?;
    let found = read(opened.store().as_ref(), position).await;
    opened.close().await;
    Output::of(arguments).write(&found?, text);
    Ok(())
}

async fn read(log: &dyn EventStore, position: Position) -> Result<ShownEvent, StartError> {
    let failed = |why: String| StartError::failed(format!("show event {position}"), why);
    let before = Position(position.0.saturating_sub(1));
    let page = log.read_all(before, &Filter::ALL, 1).await;
    let page = page.map_err(unreadable)?;
    let head = page.head;
    let entry = page.entries.into_iter().next();
    match entry.filter(|entry| entry.position() == position) {
        Some(Entry::Unreadable(unreadable)) => Err(failed(unreadable.to_string())),
        Some(entry) => shown(log, EventView::of(&entry)).await.map_err(unreadable),
        None if position <= head => Err(failed(
            "there is no such event, the log has a gap".to_owned(),
        )),
        None => Err(failed(format!(
            "there is no such event, the log ends at {head}"
        ))),
    }
}

async fn shown(log: &dyn EventStore, event: EventView) -> Result<ShownEvent, StoreError> {
    let position = Position(event.position);
    let commit = commit_of(log, position).await?;
    let first = position.0.saturating_sub(WINDOW).max(1);
    let limit = usize::try_from(2 * WINDOW).unwrap_or(usize::MAX);
    let page = log
        .read_all(Position(first - 1), &Filter::ALL, limit)
        .await?;
    let request = event.correlation_id();
    let nearby = page.entries.iter().map(EventView::of);
    let mut related: Related = nearby
        .filter(|other| request.is_some() && other.correlation_id() == request)
        .map(|other| (other.position, other))
        .collect();
    if let Some(order) = event.order_id() {
        related.extend(events_of_order(log, order).await?);
    }
    related.retain(|position, _| !commit.contains_key(position));
    let later = related.split_off(&event.position);
    let causes: Vec<_> = related.into_values().collect();
    let skipped = causes.len().saturating_sub(MAX_RELATED);
    Ok(ShownEvent {
        order_id: event.order_id().map(str::to_owned),
        commit: commit.into_values().collect(),
        causes: causes.into_iter().skip(skipped).collect(),
        effects: later.into_values().take(MAX_RELATED).collect(),
        searched: Searched {
            first,
            last: page.read_up_to.0.min(first - 1 + 2 * WINDOW),
        },
        event,
    })
}

fn text(shown: &ShownEvent) -> String {
    let event = &shown.event;
    let stream = format!("{}/{}", event.stream_type, event.stream_id);
    let mut all = vec![
        ("Position", event.position.to_string()),
        ("Stream", format!("{stream}, version {}", event.version)),
    ];
    if let Some(readable) = event.readable() {
        let event_type = &event.event_type;
        let schema = readable.schema_version;
        all.push(("Type", format!("{event_type}, schema version {schema}")));
        all.push(("Recorded", stamp(readable.recorded_at)));
        all.push(("Event id", readable.event_id.clone()));
        let first = shown.commit.first().and_then(EventView::readable);
        if let Some(command) = first.and_then(|first| first.command_id.clone()) {
            all.push(("Command id", command));
        }
        let operation = first.and_then(|first| first.metadata.get("operation")?.as_str());
        if let Some(operation) = operation {
            all.push(("Operation", operation.to_owned()));
        }
        all.push(("Data", readable.data.to_string()));
        all.push(("Metadata", readable.metadata.to_string()));
    }
    let order = shown.order_id.as_ref();
    let order = order.map(|id| format!(" and of order {id}"));
    let related = format!(
        "of the same request in positions {} to {}{}",
        shown.searched.first,
        shown.searched.last,
        order.unwrap_or_default()
    );
    let mut sections = vec![fields(&all)];
    for (heading, events) in [
        ("Commit".to_owned(), &shown.commit),
        (format!("Before it, {related}"), &shown.causes),
        (format!("After it, {related}"), &shown.effects),
    ] {
        let mut lines: Vec<_> = events.iter().map(event_line).collect();
        if lines.is_empty() {
            lines.push("none".to_owned());
        }
        sections.push(format!("{heading}\n  {}\n", lines.join("\n  ")));
    }
    sections.join("\n").trim_end().to_owned()
}
