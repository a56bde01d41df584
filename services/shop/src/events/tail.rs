//! `shop events tail`.

use std::collections::VecDeque;
use std::time::Duration;

use clap::ArgMatches;
use event_sourcing::store::MAX_PAGE_EVENTS;
use event_sourcing::{CommandId, EventStore, Filter, Position, StoreError, Version};
use platform::StartError;
use platform::runtime::StopSignals;
use uuid::Uuid;

use super::filter::EventFilter;
use crate::event_log::{
    EventView, event_line, events_of_order, events_of_stream, open_for_reading, unreadable,
};
use crate::terminal::Output;

/// How far it searches back for matching events: a second or two of reading.
const MAX_SEARCH: u64 = 100_000;
/// How often it reads again while the database does not answer.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

pub async fn run(arguments: &ArgMatches) -> Result<(), StartError> {
    let mut signals = StopSignals::listen()?;
    let opened = open_for_reading(arguments).await?;
    let log = opened.store();
    let tail = Tail {
        log: log.as_ref(),
        filter: EventFilter::of(arguments),
        output: Output::of(arguments),
    };
    // A signal is the usual end of following, and no failure.
    let done = signals.unless_asked(tail.print_all(arguments)).await;
    opened.close().await;
    done.unwrap_or(Ok(())).map_err(unreadable)
}

struct Tail<'a> {
    log: &'a dyn EventStore,
    filter: EventFilter,
    output: Output,
}

impl Tail<'_> {
    async fn print_all(&self, arguments: &ArgMatches) -> Result<(), StoreError> {
        let lines = arguments.get_one::<u64>("lines").copied();
        let lines = usize::try_from(lines.unwrap_or_default()).unwrap_or(usize::MAX);
        let head = self.log.head().await?;
        let after = arguments.get_one::<u64>("after").copied().map(Position);
        let mut read_up_to = after.unwrap_or(head);
        if after.is_none() {
            for event in self.last(lines, head).await? {
                self.print(&event);
            }
        }
        while read_up_to < head {
            read_up_to = self.print_page(read_up_to).await?;
        }
        if arguments.get_flag("follow") {
            self.follow(read_up_to).await;
        }
        Ok(())
    }

    /// The last `count` matching events up to `head`.
    async fn last(&self, count: usize, head: Position) -> Result<Vec<EventView>, StoreError> {
        let mut found: Vec<EventView> = if let Some(stream) = &self.filter.stream {
            let status = self
                .log
                .command_status(CommandId(Uuid::nil()), std::slice::from_ref(stream));
            let version = status.await?.versions.first().copied();
            let version = version.unwrap_or(Version::NONE).0;
            // With another condition as well, the last of the stream may not match.
            let is_only = self.filter
                == EventFilter {
                    stream: Some(stream.clone()),
                    ..EventFilter::default()
                };
            let after = if is_only {
                version.saturating_sub(count as u64)
            } else {
                0
            };
            events_of_stream(self.log, stream, Version(after)).await?
        } else if let Some(order) = &self.filter.order {
            events_of_order(self.log, order)
                .await?
                .into_values()
                .collect()
        } else {
            return self.search_back(count, head).await;
        };
        found.retain(|event| event.position <= head.0 && self.filter.matches(event));
        Ok(found.split_off(found.len().saturating_sub(count)))
    }

    /// Searches back from `head`, page by page.
    async fn search_back(
        &self,
        count: usize,
        head: Position,
    ) -> Result<Vec<EventView>, StoreError> {
        let mut found: VecDeque<EventView> = VecDeque::new();
        let lowest = head.0.saturating_sub(MAX_SEARCH);
        let mut end = head.0;
        while found.len() < count && end > lowest {
            let start = end.saturating_sub(MAX_PAGE_EVENTS as u64).max(lowest);
            let limit = usize::try_from(end - start).unwrap_or(MAX_PAGE_EVENTS);
            let all = Filter::ALL;
            let page = self.log.read_all(Position(start), &all, limit);
            let page = page.await?.entries;
            let events = page.iter().filter(|entry| entry.position().0 <= end);
            let events = events
                .map(EventView::of)
                .filter(|event| self.filter.matches(event));
            let mut events: Vec<_> = events.collect();
            while let Some(event) = events.pop()
                && found.len() < count
            {
                found.push_front(event);
            }
            end = start;
        }
        if found.len() < count && lowest > 0 {
            eprintln!(
                "searched back to position {}; --after starts at an earlier one",
                lowest + 1
            );
        }
        Ok(found.into())
    }

    /// Prints what is written from now on, until it is dropped.
    async fn follow(&self, mut read_up_to: Position) {
        let mut is_away = false;
        loop {
            let read = async {
                self.log.wait_for(read_up_to.next()).await?;
                self.print_page(read_up_to).await
            };
            match read.await {
                Ok(position) => {
                    read_up_to = position;
                    if std::mem::take(&mut is_away) {
                        eprintln!("the event store answers again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_away, true) {
                        let error = unreadable(error);
                        eprintln!("cannot {error}; retrying until it answers");
                    }
                    tokio::time::sleep(RETRY_INTERVAL).await;
                }
            }
        }
    }

    /// Prints the matching events of the page after a position. Returns how far it read.
    async fn print_page(&self, after: Position) -> Result<Position, StoreError> {
        let all = Filter::ALL;
        let page = self.log.read_all(after, &all, MAX_PAGE_EVENTS).await?;
        for event in page.entries.iter().map(EventView::of) {
            if self.filter.matches(&event) {
                self.print(&event);
            }
        }
        Ok(page.read_up_to)
    }

    fn print(&self, event: &EventView) {
        self.output.write(event, event_line);
    }
}
