//! `proto.EventHandlers`: for operators and the command line.

use std::sync::Arc;

use contract::proto::event_handlers_server::EventHandlers as Service;
use contract::proto::{
    EventHandlerActionResult, ListEventHandlersParam, ListEventHandlersResult,
    PauseEventHandlerParam, ResumeEventHandlerParam, ShowEventHandlerParam, ShowEventHandlerResult,
    SkipHandledEventParam,
};
use contract::status::Outcome;
use event_sourcing::{StoreError, quoted};
use platform::event_handlers::{EventHandlers, HandlerReport};
use tokio::time::timeout_at;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status};

use super::super::reply::at_position;
use super::{input, reply};
use crate::bus::{CommandBus, CommandOutcome, internal};
use crate::context;

const UNAVAILABLE: &str = "a database does not answer";

pub(in crate::grpc) struct EventHandlersApi {
    bus: Arc<CommandBus>,
    handlers: EventHandlers,
}

impl EventHandlersApi {
    pub(in crate::grpc) fn new(bus: Arc<CommandBus>, handlers: EventHandlers) -> Self {
        Self { bus, handlers }
    }

    /// The status of one handler.
    async fn find(&self, metadata: &MetadataMap, name: &str) -> Result<HandlerReport, Status> {
        let found = within(metadata, self.handlers.show(name)).await?;
        found.ok_or_else(|| {
            let names: Vec<_> = self.handlers.names().collect();
            let message = format!(
                "there is no event handler {}; there are {}",
                quoted(name),
                names.join(", ")
            );
            Outcome::None.mark(Status::not_found(message))
        })
    }

    fn acted(&self, outcome: CommandOutcome<()>) -> Response<EventHandlerActionResult> {
        let position = outcome.position;
        at_position(position, reply::acted(outcome, &*self.bus.clock()))
    }
}

#[tonic::async_trait]
impl Service for EventHandlersApi {
    async fn list_event_handlers(
        &self,
        request: Request<ListEventHandlersParam>,
    ) -> Result<Response<ListEventHandlersResult>, Status> {
        let listed = within(request.metadata(), self.handlers.list()).await?;
        Ok(Response::new(ListEventHandlersResult {
            event_handlers: listed.iter().map(reply::handler).collect(),
        }))
    }

    async fn show_event_handler(
        &self,
        request: Request<ShowEventHandlerParam>,
    ) -> Result<Response<ShowEventHandlerResult>, Status> {
        let found = self.find(request.metadata(), &request.get_ref().name);
        Ok(Response::new(reply::shown(found.await?)))
    }

    async fn pause_event_handler(
        &self,
        request: Request<PauseEventHandlerParam>,
    ) -> Result<Response<EventHandlerActionResult>, Status> {
        self.find(request.metadata(), &request.get_ref().name)
            .await?;
        let decided = self.bus.dispatch(request, |param, _| input::pause(param));
        Ok(self.acted(decided.await?))
    }

    async fn resume_event_handler(
        &self,
        request: Request<ResumeEventHandlerParam>,
    ) -> Result<Response<EventHandlerActionResult>, Status> {
        let found = self.find(request.metadata(), &request.get_ref().name);
        let parked = found.await?.progress.parked;
        let decided = self
            .bus
            .dispatch(request, |param, _| input::resume(param, &parked));
        Ok(self.acted(decided.await?))
    }

    async fn skip_handled_event(
        &self,
        request: Request<SkipHandledEventParam>,
    ) -> Result<Response<EventHandlerActionResult>, Status> {
        let found = self.find(request.metadata(), &request.get_ref().name);
        let parked = found.await?.progress.parked;
        let decided = self
            .bus
            .dispatch(request, |param, _| input::skip(param, &parked));
        Ok(self.acted(decided.await?))
    }
}

async fn within<T>(
    metadata: &MetadataMap,
    read: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Status> {
    let deadline = context::deadline(metadata)?;
    let read = timeout_at(deadline, read).await;
    let read = read.map_err(|_| Outcome::None.deadline_exceeded(UNAVAILABLE))?;
    read.map_err(|error| {
        if error.is_retryable() {
            Outcome::None.unavailable(UNAVAILABLE)
        } else {
            Outcome::None.mark(internal("event handlers could not be read", &error))
        }
    })
}
