//! The services with what stands around each call: deadlines, sizes, health and reflection.

use std::sync::Arc;

use contract::metadata;
use contract::query::category_query_server::CategoryQueryServer;
use contract::query::order_query_server::OrderQueryServer;
use contract::query::product_query_server::ProductQueryServer;
use contract::query::projection_query_server::ProjectionQueryServer;
use contract::query::saga_query_server::SagaQueryServer;
use contract::status::{Outcome, code_name};
use platform::health::{Health, grpc_service};
use platform::runtime::{Calls, Deadlines, MAX_DECODED_BYTES, MAX_ENCODED_BYTES, StartError};
use tonic::service::Routes;

use super::category::CategoryApi;
use super::order::OrderApi;
use super::product::ProductApi;
use super::projection::ProjectionApi;
use super::saga::SagaApi;
use crate::reads::Reads;
use crate::standings::Standings;

/// The services, by their full names.
pub const SERVICES: &[&str] = &[
    "query.CategoryQuery",
    "query.ProductQuery",
    "query.OrderQuery",
    "query.SagaQuery",
    "query.ProjectionQuery",
];

/// All services of the read side, with health and reflection.
///
/// # Errors
/// The descriptors of the contract cannot be read.
pub fn routes(
    reads: &Reads,
    standings: Arc<Standings>,
    health: Health,
) -> Result<Routes, StartError> {
    let unreadable = |error| StartError::failed("build the reflection service", error);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(contract::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
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
    let saga = SagaQueryServer::new(SagaApi::new(Arc::clone(&reads.sagas)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let projection = ProjectionQueryServer::new(ProjectionApi::new(standings))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let routes = Routes::new(category)
        .add_service(product)
        .add_service(order)
        .add_service(saga)
        .add_service(projection)
        .add_service(grpc_service(health, SERVICES))
        .add_service(reflection().build_v1().map_err(unreadable)?)
        .add_service(reflection().build_v1alpha().map_err(unreadable)?);
    let deadlines = Deadlines {
        parse: metadata::parse_timeout,
        late: |_| Outcome::None.deadline_exceeded("no answer within the deadline"),
    };
    let calls = Calls {
        prefix: "/query.",
        correlation_id: metadata::CORRELATION_ID,
        code_name,
    };
    Ok(calls.observe(deadlines.hold(routes)))
}
