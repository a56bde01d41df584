//! Reads.

use platform::runtime::GrpcChannel;
use tonic::{Code, Request, Status};

use super::call::{Answered, Method, call};
use super::policy::RetryPolicy;
use super::request_context::RequestContext;
use super::services::Services;
use crate::errors::Effect;

/// How many things a method reads.
#[derive(Clone, Copy, Debug)]
pub(super) enum QueryPriority {
    /// One, or a count.
    One,
    Many,
}

impl Services {
    /// Reads at the position that the request must see.
    pub(super) async fn read<M, R, F>(
        &self,
        scope: &RequestContext,
        (service, name, reads): (&'static str, &'static str, QueryPriority),
        message: M,
        send: impl Fn(GrpcChannel, Request<M>) -> F,
    ) -> Result<R, Status>
    where
        M: Clone,
        F: Future<Output = Answered<R>>,
    {
        let method = Method {
            service,
            name,
            effect: Effect::Read,
        };
        let tries: RetryPolicy = match reads {
            QueryPriority::One => self.policy().read,
            QueryPriority::Many => self.policy().list,
        };
        let request = || {
            let mut request = Request::new(message.clone());
            scope.annotate_read(request.metadata_mut());
            request
        };
        let send = |request| send(self.channels().query.clone(), request);
        match call(method, tries, request, send).await {
            Ok(answer) => {
                scope.read_at(answer.metadata());
                Ok(answer.into_inner())
            }
            Err(status) => {
                // "Not there" is also an answer from some checkpoint. "Behind" names one too, but answers nothing.
                if status.code() == Code::NotFound {
                    scope.read_at(status.metadata());
                }
                Err(status)
            }
        }
    }
}

/// The row of a single answer. A service that answers OK without one has a fault.
pub(super) fn row<T>(row: Option<T>) -> Result<T, Status> {
    row.ok_or_else(|| Status::internal("an answer without its row"))
}
