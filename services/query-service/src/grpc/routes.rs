//! The gRPC services with what surrounds each call: deadlines, size limits, health and reflection.

use std::sync::Arc;

use authentication::CallGuard;
use contract::query::category_query_server::CategoryQueryServer;
use contract::query::change_query_server::ChangeQueryServer;
use contract::query::order_query_server::OrderQueryServer;
use contract::query::product_query_server::ProductQueryServer;
use contract::query::projection_admin_server::ProjectionAdminServer;
use contract::query::projection_query_server::ProjectionQueryServer;
use contract::query::saga_query_server::SagaQueryServer;
use contract::status::{Outcome, code_name};
use contract::{DESCRIPTORS, metadata};
use platform::GrpcServices;
use platform::health::Health;
use platform::runtime::{Calls, Deadlines, MAX_DECODED_BYTES, MAX_ENCODED_BYTES, StartError};
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use super::access::access;
use super::category::CategoryApi;
use super::change::ChangeApi;
use super::order::OrderApi;
use super::product::ProductApi;
use super::projection::{ProjectionApi, RebuildApi};
use super::saga::SagaApi;
use crate::changes::Changes;
use crate::projection_status::ProjectionStatuses;
use crate::queries::QueryHandlers;

/// All services of the read side, with health and reflection. Streams of changes end when `stopping` is cancelled.
///
/// # Errors
/// The contract's descriptors cannot be read, which is a bug.
pub fn routes(
    reads: &QueryHandlers,
    (changes, stopping): (Changes, CancellationToken),
    standings: Arc<ProjectionStatuses>,
    health: Health,
    guard: CallGuard,
) -> Result<Routes, StartError> {
    let category = CategoryQueryServer::new(CategoryApi::new(Arc::clone(&reads.categories)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let product = ProductQueryServer::new(ProductApi::new(
        Arc::clone(&reads.categories),
        Arc::clone(&reads.products),
    ))
    .max_decoding_message_size(MAX_DECODED_BYTES)
    .max_encoding_message_size(MAX_ENCODED_BYTES);
    let order = OrderQueryServer::new(OrderApi::new(Arc::clone(&reads.orders)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let saga = SagaApi::new(Arc::clone(&reads.sagas), Arc::clone(&reads.orders));
    let saga = SagaQueryServer::new(saga)
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let rebuild = ProjectionAdminServer::new(RebuildApi::new(Arc::clone(&standings)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let projection = ProjectionQueryServer::new(ProjectionApi::new(standings))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let change = ChangeQueryServer::new(ChangeApi::new(changes, stopping))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let routes = GrpcServices::new()
        .with(category)
        .with(product)
        .with(order)
        .with(saga)
        .with(projection)
        .with(rebuild)
        .with(change)
        .routes(health, DESCRIPTORS)?;
    let deadlines = Deadlines {
        parse: metadata::parse_timeout,
        late: |_| Outcome::None.deadline_exceeded("no answer within the deadline"),
    };
    let calls = Calls {
        prefix: "/query.",
        correlation_id: metadata::CORRELATION_ID,
        code_name,
        deadlines,
        admission: guard.with(access),
    };
    Ok(calls.wrap(routes))
}
