//! The gRPC services with what surrounds each call: deadlines, size limits, health and reflection.

use std::sync::Arc;

use authentication::CallGuard;
use contract::proto::admin_server::AdminServer;
use contract::proto::category_command_server::CategoryCommandServer;
use contract::proto::event_handlers_server::EventHandlersServer;
use contract::proto::idempotency_server::IdempotencyServer;
use contract::proto::order_command_server::OrderCommandServer;
use contract::proto::product_command_server::ProductCommandServer;
use contract::proto::saga_command_server::SagaCommandServer;
use contract::status::{Outcome, code_name};
use contract::{DESCRIPTORS, MAX_STORED_ANSWER_BYTES, metadata};
use event_sourcing::EventStore;
use idempotency_sql::Requests;
use platform::GrpcServices;
use platform::event_handlers::EventHandlers;
use platform::health::Health;
use platform::runtime::{Calls, Deadlines, MAX_DECODED_BYTES, MAX_ENCODED_BYTES, StartError};
use tonic::Status;
use tonic::service::Routes;

use super::access::access;
use super::category::CategoryApi;
use super::event_handler::EventHandlersApi;
use super::idempotency::IdempotencyApi;
use super::order::OrderApi;
use super::product::ProductApi;
use super::projection::AdminApi;
use super::saga::SagaApi;
use crate::bus::CommandBus;
use crate::fulfilment::SagaService;

/// The methods without effects. A timeout of one of them leaves no uncertainty.
const READS: &[&str] = &[
    "/proto.SagaCommand/GetSagaStatus",
    "/proto.SagaCommand/ListSagas",
    "/proto.SagaCommand/ShowSaga",
    "/proto.Admin/Status",
    "/proto.EventHandlers/ListEventHandlers",
    "/proto.EventHandlers/ShowEventHandler",
    "/grpc.health.v1.Health/Check",
];

/// Everything that the services depend on.
#[derive(Clone)]
pub struct Parts {
    pub bus: Arc<CommandBus>,
    pub fulfilments: SagaService,
    pub requests: Arc<Requests>,
    pub event_handlers: EventHandlers,
    pub store: Arc<dyn EventStore>,
    pub health: Health,
    pub guard: CallGuard,
}

/// The gRPC services with health and reflection, to be served on a port or called in process.
///
/// # Errors
/// The built-in descriptors cannot be read, which is a bug.
pub fn routes(parts: &Parts) -> Result<Routes, StartError> {
    let category = CategoryCommandServer::new(CategoryApi::new(Arc::clone(&parts.bus)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let product = ProductCommandServer::new(ProductApi::new(Arc::clone(&parts.bus)))
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let order = OrderApi::new(Arc::clone(&parts.bus), parts.fulfilments.clone());
    let order = OrderCommandServer::new(order)
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let saga = SagaApi::new(Arc::clone(&parts.bus), parts.fulfilments.clone());
    let saga = SagaCommandServer::new(saga)
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let clock = parts.bus.clock();
    let idempotency =
        IdempotencyServer::new(IdempotencyApi::new(Arc::clone(&parts.requests), clock))
            .max_decoding_message_size(MAX_DECODED_BYTES + MAX_STORED_ANSWER_BYTES)
            .max_encoding_message_size(MAX_ENCODED_BYTES);
    let admin = AdminServer::new(AdminApi::new(
        Arc::clone(&parts.bus),
        Arc::clone(&parts.store),
    ))
    .max_decoding_message_size(MAX_DECODED_BYTES)
    .max_encoding_message_size(MAX_ENCODED_BYTES);
    let event_handlers =
        EventHandlersApi::new(Arc::clone(&parts.bus), parts.event_handlers.clone());
    let event_handlers = EventHandlersServer::new(event_handlers)
        .max_decoding_message_size(MAX_DECODED_BYTES)
        .max_encoding_message_size(MAX_ENCODED_BYTES);
    let routes = GrpcServices::new()
        .with(category)
        .with(product)
        .with(order)
        .with(saga)
        .with(idempotency)
        .with(admin)
        .with(event_handlers)
        .routes(parts.health.clone(), DESCRIPTORS)?;
    let deadlines = Deadlines {
        parse: metadata::parse_timeout,
        late,
    };
    let calls = Calls {
        prefix: "/proto.",
        correlation_id: metadata::CORRELATION_ID,
        code_name,
        deadlines,
        admission: parts.guard.clone().with(access),
    };
    Ok(calls.wrap(routes))
}

/// The status of a call that its deadline cancelled. What it had already sent may still take effect.
fn late(path: &str) -> Status {
    let outcome = if READS.contains(&path) {
        Outcome::None
    } else {
        Outcome::Unknown
    };
    outcome.deadline_exceeded("no answer within the deadline")
}
