//! The state shared by the calls of one request: the edge's, with the services and what was loaded from them.

use std::ops::Deref;
use std::sync::Arc;

use async_graphql::Context;
use contract::metadata;
use graphql_http::{ApiError, ExecutionContext};
use prost::Message;
use tonic::metadata::MetadataMap;

use super::loaders::Loaders;
use super::services::Services;

#[derive(Debug)]
pub struct RequestContext {
    pub services: Services,
    pub loaders: Loaders,
    execution: Arc<ExecutionContext>,
}

/// The positions, ids and outcomes of the request.
impl Deref for RequestContext {
    type Target = ExecutionContext;

    fn deref(&self) -> &ExecutionContext {
        &self.execution
    }
}

impl RequestContext {
    #[must_use]
    pub fn new(services: Services, execution: Arc<ExecutionContext>) -> Self {
        Self {
            services,
            loaders: Loaders::default(),
            execution,
        }
    }

    /// The context of the request that is being executed.
    ///
    /// # Errors
    /// The schema was executed without one, which is a bug.
    pub fn of<'a>(context: &Context<'a>) -> Result<&'a Self, ApiError> {
        context
            .data::<Arc<Self>>()
            .map(AsRef::as_ref)
            .map_err(|error| ApiError::internal(error.message))
    }

    /// Counts rows that become objects of the response.
    ///
    /// # Errors
    /// The response would exceed a limit.
    pub fn count_rows<R: Message>(&self, rows: &[R]) -> Result<(), ApiError> {
        let bytes: usize = rows.iter().map(Message::encoded_len).sum();
        self.execution.count(rows.len() as u64, bytes as u64)
    }

    /// Sets the metadata that every call carries.
    pub(crate) fn annotate(&self, metadata: &mut MetadataMap) {
        self.services.annotate(self.execution.origin(), metadata);
    }

    /// Sets the metadata that a query carries.
    pub(crate) fn annotate_read(&self, metadata: &mut MetadataMap) {
        self.annotate(metadata);
        let required = self.execution.required();
        if required > 0 {
            metadata::insert_position(metadata, metadata::MIN_POSITION, required);
        }
    }

    /// Records the position of a query's reply.
    pub(crate) fn read_at(&self, reply: &MetadataMap) {
        if let Ok(Some(position)) = metadata::position(reply, metadata::POSITION) {
            self.execution.reflect(position);
            self.services.record_position(position);
        }
    }

    /// Records the position of a command's reply, if any, so that later queries of the request reflect it. Returns it.
    pub(crate) fn committed_at(&self, reply: &MetadataMap) -> Option<u64> {
        let position = metadata::position(reply, metadata::POSITION).ok().flatten();
        if let Some(position) = position {
            self.execution.committed_at(position);
            self.services.record_position(position);
        }
        self.loaders.forget();
        position
    }
}
