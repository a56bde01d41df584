//! The events of a commit, and of an order: each is found by positions or stream names, without a search of the log.

use std::collections::BTreeMap;

use domain::fulfilment::{CancelOrderSaga, OrderSaga};
use domain::order::Order;
use event_sourcing::commit::MAX_COMMIT_EVENTS;
use event_sourcing::store::{Entry, MAX_PAGE_EVENTS};
use event_sourcing::{Aggregate, EventStore, Filter, Position, StoreError, StreamId, Version};
use sagas::Saga;
use std::sync::Arc;

use super::event::EventView;

/// Events by their positions.
pub type Related = BTreeMap<u64, EventView>;

/// Most commits are this small.
const USUAL_COMMIT: u64 = 32;

/// The events of the commit that wrote the event at `position`.
pub async fn commit_of(log: &dyn EventStore, position: Position) -> Result<Related, StoreError> {
    let is_first = |entry: &Entry| {
        let event = entry.event();
        event.is_none_or(|event| event.command_id.is_some())
    };
    let mut commit = Related::new();
    for reach in [USUAL_COMMIT, MAX_COMMIT_EVENTS as u64] {
        let after = Position(position.0.saturating_sub(reach));
        let limit = usize::try_from(2 * reach).unwrap_or(MAX_PAGE_EVENTS);
        let page = log.read_all(after, &Filter::ALL, limit).await?;
        let (before, later): (Vec<_>, Vec<_>) = page
            .entries
            .iter()
            .partition(|entry| entry.position() <= position);
        let start = before.iter().rposition(|entry| is_first(entry));
        let end = later.iter().position(|entry| is_first(entry));
        let is_at_end = page.read_up_to >= page.head && page.entries.len() < limit;
        let events = before.iter().skip(start.unwrap_or(0));
        let events = events.chain(later.iter().take(end.unwrap_or(later.len())));
        commit = events
            .map(|entry| (entry.position().0, EventView::of(entry)))
            .collect();
        if start.is_some() && (end.is_some() || is_at_end) {
            break;
        }
    }
    Ok(commit)
}

/// All events about an order: its stream, its sagas, and what the same commits wrote, such as its stock.
pub async fn events_of_order(log: &dyn EventStore, id: &str) -> Result<Related, StoreError> {
    let mut found = Related::new();
    let mut streams = vec![Order::stream(id)];
    while let Some(stream) = streams.pop() {
        for event in events_of_stream(log, &stream, Version::NONE).await? {
            let saga_type = match event.event_type.as_str() {
                "OrderCreated" => Some(OrderSaga::STREAM),
                "OrderCancellationRequested" => Some(CancelOrderSaga::STREAM),
                _ => None,
            };
            let saga = saga_type.zip(event.text("saga_id"));
            streams.extend(saga.map(|(kind, id)| StreamId::new(kind, id)));
            found.insert(event.position, event);
        }
    }
    let positions: Vec<u64> = found.keys().copied().collect();
    let mut read_up_to = 0;
    for position in positions {
        if position <= read_up_to {
            continue;
        }
        let commit = commit_of(log, Position(position)).await?;
        read_up_to = commit.keys().last().copied().unwrap_or(position);
        found.extend(commit);
    }
    Ok(found)
}

/// The events of a stream after a version.
pub async fn events_of_stream(
    log: &dyn EventStore,
    stream: &StreamId,
    mut after: Version,
) -> Result<Vec<EventView>, StoreError> {
    let mut events = Vec::new();
    loop {
        let page = log.read_stream(stream, after, MAX_PAGE_EVENTS).await?;
        let readable = page.events.into_iter();
        let readable = readable.map(|event| Entry::Event(Arc::new(event)));
        let unreadable = page.unreadable.into_iter();
        let unreadable = unreadable.map(|event| Entry::Unreadable(Arc::new(event)));
        let mut views: Vec<_> = readable
            .chain(unreadable)
            .map(|entry| EventView::of(&entry))
            .collect();
        views.sort_by_key(|event| event.version);
        let last = views.last().map(|event| Version(event.version));
        events.extend(views);
        match last {
            Some(last) if !page.is_end && last > after => after = last,
            _ => return Ok(events),
        }
    }
}
