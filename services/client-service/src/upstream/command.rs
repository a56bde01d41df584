//! Sends commands to the command-service, and records their outcomes.

use contract::metadata;
use contract::proto::admin_client::AdminClient;
use contract::proto::{AdminStatusParam, Error};
use contract::status::Outcome;
use event_sourcing::CommandId;
use graphql_http::{ApiError, Code, Origin};
use grpc_calls::{CallResult, Effect, Method, call, outcome_of};
use platform::runtime::GrpcChannel;
use tonic::{Request, Status};

use super::request_context::RequestContext;
use super::services::Services;
use crate::errors::{from_business, from_grpc};

const ADMIN: &str = "proto.Admin";

/// The entity after a command.
#[derive(Debug)]
pub struct CommandReply<T> {
    pub entity: T,
    /// Whether the command changed nothing. The entity's timestamps may then be older than those of its row.
    pub unchanged: bool,
}

/// An entity that a command creates, changes or deletes.
pub(super) trait Entity {
    fn id(&self) -> &str;
}

impl<T: Entity> Entity for CommandReply<T> {
    fn id(&self) -> &str {
        self.entity.id()
    }
}

/// A reply that holds either an error or an entity.
pub(super) trait Reply {
    type Entity: Entity;
    fn parts(self) -> (Option<Error>, Option<Self::Entity>);
}

pub(super) fn command_reply<T>(entity: Option<T>, unchanged: bool) -> Option<CommandReply<T>> {
    entity.map(|entity| CommandReply { entity, unchanged })
}

impl Services {
    /// Sends a command, and retries it while its outcome is unknown.
    pub(super) async fn command<M, R, F>(
        &self,
        (scope, id): (&RequestContext, CommandId),
        (service, name): (&'static str, &'static str),
        message: M,
        send: impl Fn(GrpcChannel, Request<M>) -> F,
    ) -> Result<R::Entity, ApiError>
    where
        M: Clone,
        R: Reply,
        F: Future<Output = CallResult<R>>,
    {
        let method = Method {
            service,
            name,
            effect: Effect::Write,
        };
        let command_id = id.to_string();
        let request = || {
            let mut request = Request::new(message.clone());
            scope.annotate(request.metadata_mut());
            metadata::insert(request.metadata_mut(), metadata::COMMAND_ID, &command_id);
            request
        };
        let send = |request| send(self.channels().command.clone(), request);
        // Recorded before the call: should this future be dropped meanwhile, the outcome stays unknown.
        scope.journal.note(id, Outcome::Unknown);
        let answer = match call(
            &self.breakers().command,
            method,
            self.policy().write,
            request,
            send,
        )
        .await
        {
            Ok(answer) => answer,
            Err(status) => {
                note_failed(scope, id, &status);
                return Err(from_grpc(&status, Effect::Write));
            }
        };
        let position = scope.committed_at(answer.metadata());
        match answer.into_inner().parts() {
            (Some(error), _) => {
                scope.journal.note(id, Outcome::None);
                Err(from_business(error))
            }
            (None, Some(entity)) => {
                scope.journal.committed(id, position, Some(entity.id()));
                Ok(entity)
            }
            (None, None) => {
                // No rejection, and a position: the command took effect.
                if position.is_some() {
                    scope.journal.committed(id, position, None);
                }
                Err(ApiError::internal(format!(
                    "{service}/{name} returned neither an entity nor an error"
                )))
            }
        }
    }

    /// Rejects a position that the log has not reached, the value of the header or argument `name`.
    pub(crate) async fn require_head(
        &self,
        origin: &Origin,
        (name, position): (&str, u64),
    ) -> Result<(), ApiError> {
        if self.is_known_position(position) {
            return Ok(());
        }
        let method = Method {
            service: ADMIN,
            name: "Status",
            effect: Effect::Read,
        };
        let send = async |request| {
            let mut client = AdminClient::new(self.channels().command.clone());
            client.status(request).await
        };
        let request = || {
            let mut request = Request::new(AdminStatusParam {});
            self.annotate(origin, request.metadata_mut());
            request
        };
        let answer = call(
            &self.breakers().command,
            method,
            self.policy().read,
            request,
            send,
        )
        .await
        .map_err(|status| from_grpc(&status, Effect::Read))?;
        let head = u64::try_from(answer.into_inner().head).unwrap_or(0);
        self.record_position(head);
        if position > head {
            let message = format!("{name} must be at most the log's head {head}, got {position}");
            return Err(ApiError::new(Code::BadRequest, message));
        }
        Ok(())
    }
}

/// Records the outcome of a command that failed with a status.
fn note_failed(scope: &RequestContext, id: CommandId, status: &Status) {
    match outcome_of(status) {
        Outcome::Committed => {
            let position = scope.committed_at(status.metadata());
            scope.journal.committed(id, position, None);
        }
        outcome => scope.journal.note(id, outcome),
    }
}
