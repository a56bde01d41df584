//! Sends queries to the query-service.

use grpc_calls::{CallResult, Effect, Method, RetryPolicy, call};
use platform::runtime::GrpcChannel;
use tonic::{Code, Request, Status};

use super::request_context::RequestContext;
use super::services::Services;

/// Which retry policy a query uses.
#[derive(Clone, Copy, Debug)]
pub(super) enum QuerySize {
    /// A single entity, or a count.
    One,
    Many,
}

impl Services {
    /// Sends a query with the minimum position of the request.
    pub(super) async fn read<M, R, F>(
        &self,
        scope: &RequestContext,
        (service, name, reads): (&'static str, &'static str, QuerySize),
        message: M,
        send: impl Fn(GrpcChannel, Request<M>) -> F,
    ) -> Result<R, Status>
    where
        M: Clone,
        F: Future<Output = CallResult<R>>,
    {
        let method = Method {
            service,
            name,
            effect: Effect::Read,
        };
        let tries: RetryPolicy = match reads {
            QuerySize::One => self.policy().read,
            QuerySize::Many => self.policy().list,
        };
        let request = || {
            let mut request = Request::new(message.clone());
            scope.annotate_read(request.metadata_mut());
            request
        };
        let send = |request| send(self.channels().query.clone(), request);
        match call(&self.breakers().query, method, tries, request, send).await {
            Ok(answer) => {
                scope.read_at(answer.metadata());
                Ok(answer.into_inner())
            }
            Err(status) => {
                // NOT_FOUND reflects a checkpoint, as any result does. A status of a read side that lags has a position too,
                // but no result that reflects it.
                if status.code() == Code::NotFound {
                    scope.read_at(status.metadata());
                }
                Err(status)
            }
        }
    }
}

/// The row of a reply. OK without a row is a bug of the service.
pub(super) fn row<T>(row: Option<T>) -> Result<T, Status> {
    row.ok_or_else(|| Status::internal("a reply without its row"))
}
