//! The subscriptions that differ only in where they begin.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use authentication::Caller;
use bytes::Bytes;
use graphql_http::{ApiError, ExecutionContext, Item, Origin, Outbox, Prepared, Responder};
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::upstream::{
    Feed, FeedEvent, Listener, Notice, RequestContext, Selection, Services, Trigger,
};

/// The number of messages that a group remembers for subscriptions that resume.
const MAX_REMEMBERED: usize = 64;
/// The size of the messages that a group remembers. An outbox has more room.
pub(super) const MAX_REMEMBERED_BYTES: usize = 256 * 1024;

/// Equal subscriptions. It runs as a task from its first user to its last.
pub struct Group {
    services: Services,
    responder: Arc<Responder>,
    prepared: Prepared,
    selection: Selection,
    origin: Origin,
    state: Mutex<State>,
    phase: watch::Sender<Phase>,
}

#[derive(Clone, Debug)]
enum Phase {
    Starting,
    Running,
    Failed(ApiError),
    /// The last user has left.
    Closed,
}

#[derive(Debug, Default)]
struct State {
    users: usize,
    next_member: u64,
    members: HashMap<u64, Member>,
    /// The last messages, in the order of the log.
    remembered: VecDeque<Message>,
    remembered_bytes: usize,
    /// All messages after this position are remembered.
    remembers_after: u64,
    /// All changes up to this position were sent.
    position: u64,
}

#[derive(Debug)]
struct Member {
    operation: u64,
    outbox: Outbox,
    /// It has got everything up to here.
    position: u64,
}

impl State {
    /// Remembers a message, and forgets the oldest ones. One that is too large is not remembered at all.
    fn remember(&mut self, message: Message) {
        self.remembered_bytes += message.body.len();
        self.remembered.push_back(message);
        while self.remembered.len() > MAX_REMEMBERED || self.remembered_bytes > MAX_REMEMBERED_BYTES
        {
            let Some(oldest) = self.remembered.pop_front() else {
                return;
            };
            self.remembered_bytes -= oldest.body.len();
            self.remembers_after = oldest.position;
        }
    }
}

/// A message of a subscription.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub position: u64,
    pub body: Bytes,
}

/// Whether a subscription could join.
#[derive(Debug)]
pub(super) enum JoinResult {
    /// It gets all further messages.
    Member,
    /// It begins before the messages that the group remembers: it must read the changes up to this position alone.
    TooOld(u64),
    Failed(ApiError),
}

/// A subscription's use of a group, until it is dropped.
pub(super) struct GroupUse {
    pub group: Arc<Group>,
    member: Option<u64>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group")
            .field("selection", &self.selection)
            .finish_non_exhaustive()
    }
}

impl Group {
    pub(super) fn new(
        services: Services,
        (responder, prepared): (Arc<Responder>, Prepared),
        selection: Selection,
        origin: Origin,
    ) -> Self {
        Self {
            services,
            responder,
            prepared,
            selection,
            origin,
            state: Mutex::default(),
            phase: watch::Sender::new(Phase::Starting),
        }
    }

    pub(super) const fn selection(&self) -> &Selection {
        &self.selection
    }

    pub(super) const fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(super) const fn services(&self) -> &Services {
        &self.services
    }

    /// Uses the group; `None` if its last user has left or it has failed.
    pub(super) fn enter(self: &Arc<Self>) -> Option<GroupUse> {
        let mut state = self.state.lock();
        if matches!(*self.phase.borrow(), Phase::Closed | Phase::Failed(_)) {
            return None;
        }
        state.users += 1;
        Some(GroupUse {
            group: Arc::clone(self),
            member: None,
        })
    }

    /// Runs until the last user has left or the feed has failed.
    pub(super) async fn run(&self, feed: &Arc<Feed>) {
        let mut phase = self.phase.subscribe();
        let closed = async {
            let closed = phase.wait_for(|phase| matches!(phase, Phase::Closed));
            // Never an error, as the sender is part of the group.
            drop(closed.await);
        };
        let failed = tokio::select! {
            () = closed => return,
            error = self.follow(feed) => error,
        };
        self.fail(failed);
    }

    /// Sends messages until there is an error.
    async fn follow(&self, feed: &Arc<Feed>) -> ApiError {
        let listener = match feed.listen(&self.selection).await {
            Ok(listener) => listener,
            Err(error) => return error,
        };
        {
            let mut state = self.state.lock();
            state.position = listener.position;
            state.remembers_after = listener.position;
        }
        self.phase.send_if_modified(|phase| {
            let is_starting = matches!(phase, Phase::Starting);
            if is_starting {
                *phase = Phase::Running;
            }
            is_starting
        });
        loop {
            if let Err(error) = self.next(&listener).await {
                return error;
            }
        }
    }

    async fn next(&self, listener: &Listener) -> Result<(), ApiError> {
        match listener.next().await {
            // Already sent, in a page.
            FeedEvent::Change(notice) if notice.position <= self.position() => {}
            FeedEvent::Change(notice) => {
                let message = self.message(&notice).await?;
                self.send(notice.position, message);
            }
            FeedEvent::Missed(end) => {
                while self.position() < end {
                    let after = (self.position(), end);
                    let page = self.read_page(after).await?;
                    for notice in &page.notices {
                        let message = self.message(notice).await?;
                        self.send(notice.position, message);
                    }
                    self.state.lock().position = page.position;
                }
            }
            FeedEvent::Failed(error) => return Err(error),
        }
        Ok(())
    }

    fn position(&self) -> u64 {
        self.state.lock().position
    }

    /// The message of a change; `None` if its row does not exist any more, or is not for the subscribers.
    ///
    /// # Errors
    /// The row cannot be read.
    pub(super) async fn message(&self, notice: &Notice) -> Result<Option<Message>, ApiError> {
        let remembered = {
            let state = self.state.lock();
            let mut messages = state.remembered.iter();
            messages.find(|it| it.position == notice.position).cloned()
        };
        if remembered.is_some() {
            return Ok(remembered);
        }
        let services = self.services().clone();
        let position = notice.position;
        let identity = self.responder.identity(self.origin.clone(), Some(position));
        let execution = {
            let limits = *self.responder.executor().limits();
            // The row is read once for all groups, so by none of their callers.
            let origin = self.origin.sent_by(Caller::gateway());
            ExecutionContext::new(origin, identity.seed, Some(position), limits)
        };
        let scope = RequestContext::new(services, Arc::new(execution));
        let read = notice.row(&scope).await?;
        let visible = read.filter(|(row, _)| row.is_visible_to(self.origin.caller()));
        let Some((row, read_at)) = visible else {
            return Ok(None);
        };
        let trigger = Trigger::Change(row);
        let extra = Box::new(|request: async_graphql::Request| request.data(trigger));
        let request = self.prepared.clone();
        let body = self.responder.message(request, identity, extra, read_at);
        Ok(Some(Message {
            position,
            body: body.await,
        }))
    }

    fn send(&self, position: u64, message: Option<Message>) {
        let mut state = self.state.lock();
        state.position = position;
        let Some(message) = message else {
            return;
        };
        for member in state.members.values().filter(|it| it.position < position) {
            member.outbox.push(message.item(member.operation));
        }
        state.remember(message);
    }

    /// Ends all members with an error.
    fn fail(&self, error: ApiError) {
        let state = self.state.lock();
        let body = self.responder.errors(&error);
        for member in state.members.values() {
            let operation = member.operation;
            let body = body.clone();
            member.outbox.push(Item::Error { operation, body });
        }
        self.phase.send_replace(Phase::Failed(error));
    }
}

impl Message {
    pub(super) fn item(&self, operation: u64) -> Item {
        metrics::counter!("graphql_messages_total").increment(1);
        Item::Next {
            operation,
            position: Some(self.position),
            body: self.body.clone(),
        }
    }
}

impl GroupUse {
    /// The first use of a new group.
    pub(super) fn first(group: &Arc<Group>) -> Self {
        group.state.lock().users = 1;
        Self {
            group: Arc::clone(group),
            member: None,
        }
    }

    /// Adds the subscription to the group: it gets the messages after `after`, or from now on.
    pub(super) async fn join(
        &mut self,
        after: Option<u64>,
        (operation, outbox): (u64, &Outbox),
    ) -> JoinResult {
        let mut phase = self.group.phase.subscribe();
        let started = phase.wait_for(|phase| !matches!(phase, Phase::Starting));
        // Never an error, as the sender is part of the group. The result is dropped at once: it locks the phase, which is set
        // under the lock of the state.
        drop(started.await);
        let mut state = self.group.state.lock();
        if let Phase::Failed(error) = &*self.group.phase.borrow() {
            return JoinResult::Failed(error.clone());
        }
        let after = after.unwrap_or(state.position);
        if after < state.remembers_after {
            return JoinResult::TooOld(state.remembers_after);
        }
        for message in state.remembered.iter().filter(|it| it.position > after) {
            outbox.push(message.item(operation));
        }
        let member = Member {
            operation,
            outbox: outbox.clone(),
            position: after.max(state.position),
        };
        let id = state.next_member;
        state.next_member += 1;
        state.members.insert(id, member);
        self.member = Some(id);
        JoinResult::Member
    }
}

impl Drop for GroupUse {
    fn drop(&mut self) {
        let mut state = self.group.state.lock();
        if let Some(member) = self.member {
            state.members.remove(&member);
        }
        state.users -= 1;
        if state.users == 0 {
            self.group.phase.send_if_modified(|phase| {
                let is_open = !matches!(phase, Phase::Failed(_));
                if is_open {
                    *phase = Phase::Closed;
                }
                is_open
            });
        }
    }
}
