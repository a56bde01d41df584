//! The changes that one listener of a feed has not taken yet.

use std::collections::VecDeque;
use std::sync::Arc;

use graphql_http::ApiError;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::notice::Notice;

/// The maximum number of changes that wait for a listener. One that is slower reads them again, in pages.
const MAX_WAITING: usize = 256;

/// An event that a listener receives.
#[derive(Debug)]
pub enum FeedEvent {
    Change(Arc<Notice>),
    /// It was too slow, and some changes were dropped: those after the last one that it took, up to this position.
    Missed(u64),
    /// The feed has failed; there are no more changes.
    Failed(ApiError),
}

/// A listener's queue, shared with the feed.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Notice>>,
    /// The position of the last dropped change.
    missed: Option<u64>,
    failure: Option<ApiError>,
}

impl Queue {
    pub fn push(&self, notice: &Arc<Notice>) {
        let mut state = self.state.lock();
        // After a drop all later changes are dropped until the listener notices: its next page starts at the first one.
        if state.missed.is_some() || state.waiting.len() >= MAX_WAITING {
            state.missed = Some(notice.position);
        } else {
            state.waiting.push_back(Arc::clone(notice));
        }
        drop(state);
        self.filled.notify_one();
    }

    pub fn fail(&self, error: &ApiError) {
        self.state.lock().failure = Some(error.clone());
        self.filled.notify_one();
    }

    fn take(&self) -> Option<FeedEvent> {
        let mut state = self.state.lock();
        if let Some(next) = state.waiting.pop_front() {
            return Some(FeedEvent::Change(next));
        }
        if let Some(missed) = state.missed.take() {
            return Some(FeedEvent::Missed(missed));
        }
        state.failure.clone().map(FeedEvent::Failed)
    }

    async fn next(&self) -> FeedEvent {
        loop {
            if let Some(event) = self.take() {
                return event;
            }
            self.filled.notified().await;
        }
    }
}

/// A listener of a feed, until it is dropped.
pub struct Listener {
    pub(super) queue: Arc<Queue>,
    /// The feed's position when the listener was added: it receives all later changes.
    pub position: u64,
    /// Removes it from the feed.
    pub(super) on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Listener {
    /// The next change. Dropping the call loses nothing.
    pub async fn next(&self) -> FeedEvent {
        self.queue.next().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(remove) = self.on_drop.take() {
            remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use contract::query::ChangeKind;

    use super::*;

    fn notice(position: u64) -> Arc<Notice> {
        let kind = ChangeKind::ProductUpdated;
        Arc::new(Notice::new(position, kind, "p".to_owned()))
    }

    #[test]
    fn a_slow_listener_hears_what_it_missed() {
        let queue = Queue::default();
        for position in 1..=300 {
            queue.push(&notice(position));
        }
        for position in 1..=256 {
            let event = queue.take();
            assert!(matches!(event, Some(FeedEvent::Change(it)) if it.position == position));
        }
        queue.push(&notice(301));
        assert!(matches!(queue.take(), Some(FeedEvent::Missed(301))));
        queue.push(&notice(302));
        assert!(matches!(queue.take(), Some(FeedEvent::Change(it)) if it.position == 302));
        assert!(queue.take().is_none());
    }
}
