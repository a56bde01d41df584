//! All groups of the process.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use futures::future::BoxFuture;
use graphql_http::{
    ApiError, Item, OperationId, Origin, Outbox, Prepared, Rejected, Responder, SubscriptionStart,
    Subscriptions,
};
use parking_lot::Mutex;
use platform::Tasks;

use super::group::{Group, GroupUse, JoinResult, MAX_REMEMBERED_BYTES};
use crate::upstream::{Feeds, Selection, Services, Trigger};

/// All subscriptions of the process. Cheap to clone; clones share their state.
#[derive(Clone, Debug)]
pub struct SubscriptionHub(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    services: Services,
    feeds: Feeds,
    groups: Mutex<HashMap<OperationId, Arc<Group>>>,
    tasks: Tasks,
}

impl SubscriptionHub {
    /// Follows the changes of the read side until `tasks` stop.
    #[must_use]
    pub fn start(services: &Services, tasks: &Tasks) -> Self {
        Self(Arc::new(Hub {
            services: services.clone(),
            feeds: Feeds::start(services, tasks),
            groups: Mutex::default(),
            tasks: tasks.clone(),
        }))
    }
}

#[async_trait]
impl Subscriptions for SubscriptionHub {
    async fn subscribe(
        &self,
        responder: &Arc<Responder>,
        start: SubscriptionStart,
    ) -> Result<BoxFuture<'static, ()>, Rejected> {
        let SubscriptionStart {
            request,
            origin,
            operation,
            outbox,
            resumed,
            minimum,
        } = start;
        let selection = selection_of(responder, &request, &origin).await?;
        for (name, position) in [
            ("Last-Event-ID", resumed),
            ("after", selection.after),
            ("X-Min-Position", minimum),
        ] {
            if let Some(position) = position {
                let known = self.0.services.require_head(&origin, (name, position));
                known.await.map_err(Rejected::Early)?;
            }
        }
        let after = resumed.or(selection.after).or(minimum);
        let running = RunningSubscription {
            responder: Arc::clone(responder),
            used: self.0.group(responder, request, selection, &origin),
            operation,
            outbox,
        };
        Ok(Box::pin(running.run(after)))
    }
}

/// Executes the operation once to learn what it selects.
async fn selection_of(
    responder: &Responder,
    request: &Prepared,
    origin: &Origin,
) -> Result<Selection, Rejected> {
    let slot = Arc::new(OnceLock::new());
    let identity = responder.identity(origin.clone(), None);
    let trigger = Trigger::Start(Arc::clone(&slot));
    let extra = Box::new(|request: async_graphql::Request| request.data(trigger));
    let response = responder.start(request.clone(), identity, extra).await;
    match slot.get() {
        Some(selection) => Ok(selection.clone()),
        None => Err(Rejected::Executed(Box::new(response))),
    }
}

impl Hub {
    fn group(
        self: &Arc<Self>,
        responder: &Arc<Responder>,
        request: Prepared,
        selection: Selection,
        origin: &Origin,
    ) -> GroupUse {
        let (request, id) = request.into_repeatable(origin.caller());
        let mut groups = self.groups.lock();
        if let Some(used) = groups.get(&id).and_then(Group::enter) {
            return used;
        }
        let feed = Arc::clone(self.feeds.of(selection.kind));
        let executed = (Arc::clone(responder), request);
        let group = Group::new(self.services.clone(), executed, selection, origin.clone());
        let group = Arc::new(group);
        let used = GroupUse::first(&group);
        groups.insert(id, Arc::clone(&group));
        metrics::gauge!("graphql_subscription_groups").increment(1);
        let (hub, stopping) = (Arc::clone(self), self.tasks.stopping());
        self.tasks.spawn_job(async move {
            stopping.run_until_cancelled(group.run(&feed)).await;
            hub.remove(&id, &group);
        });
        used
    }

    fn remove(&self, id: &OperationId, group: &Arc<Group>) {
        metrics::gauge!("graphql_subscription_groups").decrement(1);
        let mut groups = self.groups.lock();
        if groups.get(id).is_some_and(|it| Arc::ptr_eq(it, group)) {
            groups.remove(id);
        }
    }
}

/// A started subscription.
struct RunningSubscription {
    responder: Arc<Responder>,
    used: GroupUse,
    operation: u64,
    outbox: Outbox,
}

impl RunningSubscription {
    async fn run(mut self, after: Option<u64>) {
        // Boxed, so that what it needs is freed once it has joined the group.
        let joining = Box::pin(self.join(after)).await;
        if let Err(error) = joining {
            self.outbox.push(Item::Error {
                operation: self.operation,
                body: self.responder.errors(&error),
            });
        }
        // As a member it gets its messages from the group.
        std::future::pending::<()>().await;
    }

    async fn join(&mut self, mut after: Option<u64>) -> Result<(), ApiError> {
        loop {
            // A new member gets all messages that the group remembers at once.
            if !self.outbox.room(MAX_REMEMBERED_BYTES).await {
                return Ok(());
            }
            let member = (self.operation, &self.outbox);
            let end = match self.used.join(after, member).await {
                JoinResult::Member => return Ok(()),
                JoinResult::Failed(error) => return Err(error),
                JoinResult::TooOld(end) => end,
            };
            let group = Arc::clone(&self.used.group);
            // Only a subscription with a position can be too old.
            let page = group.read_page((after.unwrap_or(end), end)).await?;
            for notice in &page.notices {
                if let Some(message) = group.message(notice).await? {
                    if !self.outbox.room(message.body.len()).await {
                        return Ok(());
                    }
                    self.outbox.push(message.item(self.operation));
                }
            }
            after = Some(page.position);
        }
    }
}
