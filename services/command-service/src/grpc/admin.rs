//! `proto.Admin`: for operators and the command line.

use std::sync::Arc;

use contract::proto::admin_server::Admin;
use contract::proto::{AdminStatusParam, AdminStatusResult};
use contract::status::Outcome;
use event_sourcing::EventStore;
use tokio::time::timeout_at;
use tonic::{Request, Response, Status};

use crate::bus::internal;
use crate::context;

pub(super) struct AdminApi {
    store: Arc<dyn EventStore>,
}

impl AdminApi {
    pub(super) fn new(store: Arc<dyn EventStore>) -> Self {
        Self { store }
    }
}

#[tonic::async_trait]
impl Admin for AdminApi {
    async fn status(
        &self,
        request: Request<AdminStatusParam>,
    ) -> Result<Response<AdminStatusResult>, Status> {
        const UNAVAILABLE: &str = "the event store does not answer";
        let deadline = context::deadline(request.metadata())?;
        let head = timeout_at(deadline, self.store.head())
            .await
            .map_err(|_| Outcome::None.deadline_exceeded(UNAVAILABLE))?
            .map_err(|error| {
                if error.is_retryable() {
                    Outcome::None.unavailable(UNAVAILABLE)
                } else {
                    Outcome::None.mark(internal("the head could not be read", &error))
                }
            })?;
        Ok(Response::new(AdminStatusResult {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            head: head.0.try_into().unwrap_or(i64::MAX),
        }))
    }
}
