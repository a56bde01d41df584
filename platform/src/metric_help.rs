//! The descriptions of all metrics: what `/metrics` says about them, and `docs/reference/metrics.md`, which is made from them.
//!
//! Every metric must be listed here: `cargo xtask check metrics` compares the names with those that the code uses.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The values of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    OneOf(&'static [&'static str]),
    /// A description of values whose number is limited by the code or the settings.
    Like(&'static str),
}

/// When a process has the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// At the latest after the first request, event or saga of the kind that it measures.
    Always,
    /// Only with this setting, or after this has happened.
    When(&'static str),
}

use Kind::{Counter, Gauge, Histogram};
use Presence::{Always, When};
use Values::{Like, OneOf};

type Services = &'static [&'static str];
type Labels = &'static [(&'static str, Values)];

const GATEWAY: Services = &["client-service"];
const WRITE_SIDE: Services = &["command-service"];
const READ_SIDE: Services = &["query-service"];
const SERVICES: Services = &["command-service", "query-service"];
const ALL: Services = &["client-service", "command-service", "query-service"];

/// Name, kind, the services that have it, when, its labels, and its help text, in alphabetical order.
#[rustfmt::skip]
pub(crate) const METRICS: &[(&str, Kind, Services, Presence, Labels, &str)] = &[
    ("authentication_key_reads_total", Counter, GATEWAY, When("AUTH=jwt with keys that are read from a provider"),
        &[("outcome", OneOf(&["ok", "failed"]))],
        "Reads of the keys of tokens from their provider, by outcome"),
    ("authentication_tokens_rejected_total", Counter, ALL, When("a token was rejected"),
        &[("reason", OneOf(&["not_bearer", "too_long", "malformed", "unknown_key", "signature", "claim", "other_system", "expired", "not_yet_valid", "keys_unavailable"]))],
        "Tokens that were not accepted, by reason"),
    ("build_info", Gauge, ALL, Always,
        &[("version", Like("the version")), ("commit", Like("the commit that it was built from, or unknown"))],
        "1, with the version of the process and its commit"),
    ("cache_requests_total", Counter, READ_SIDE, Always,
        &[("table", Like("name of the projection")), ("outcome", OneOf(&["hit", "miss"]))],
        "Reads of the query-service, by table and cache outcome (hit or miss)"),
    ("change_streams", Gauge, READ_SIDE, Always,
        &[],
        "Open streams of changes from the query-service to gateways and others"),
    ("circuit_breaker_state", Gauge, GATEWAY, Always,
        &[("service", Like("name of the called service"))],
        "What the gateway does with calls of a service: 0 sends them, 1 sends a few, 2 suspends them"),
    ("clock_offset_seconds", Gauge, WRITE_SIDE, Always,
        &[],
        "Offset of the machine's clock from the authoritative clock, in seconds; positive if it is ahead"),
    ("command_duration_seconds", Histogram, WRITE_SIDE, Always,
        &[("command", Like("stored name of the operation, such as place_order")), ("outcome", Like("done, duplicate, the kind of a rejection such as conflict, or a failure: unavailable, unknown, unanswered, fenced, internal"))],
        "Duration of commands from receipt to reply, by command and outcome"),
    ("connections_over_limit_total", Counter, ALL, Always,
        &[("listener", Like("the setting with its address, such as CLIENT_HTTP_ADDR"))],
        "Connections over the limit, by listener; they are served for one second, and only health and metrics"),
    ("db_pool_acquire_seconds", Histogram, SERVICES, Always,
        &[("pool", Like("events, command or query; those with a purpose of their own have it in their name, such as query_background"))],
        "Wait times for a connection of a database pool, by pool"),
    ("db_pool_connections", Gauge, SERVICES, Always,
        &[("pool", Like("events, command or query; those with a purpose of their own have it in their name, such as query_background")), ("state", OneOf(&["idle", "busy", "max"]))],
        "Connections of a database pool: idle, busy, and the maximum; sampled every 5 s"),
    ("db_pool_pending_requests", Gauge, SERVICES, Always,
        &[("pool", Like("events, command or query; those with a purpose of their own have it in their name, such as query_background"))],
        "Statements that wait for a connection of a database pool"),
    ("db_pool_timeouts_total", Counter, SERVICES, Always,
        &[("pool", Like("events, command or query; those with a purpose of their own have it in their name, such as query_background"))],
        "Statements that got no connection of a database pool in time"),
    ("event_handler_events_total", Counter, WRITE_SIDE, Always,
        &[("handler", Like("notifications, or webhooks: and the name of the endpoint"))],
        "Events that an event handler has processed, by handler"),
    ("event_handler_lag_events", Gauge, WRITE_SIDE, Always,
        &[("handler", Like("notifications, or webhooks: and the name of the endpoint"))],
        "Events of the log after the checkpoint of an event handler that this process runs"),
    ("event_handler_parked_streams", Gauge, WRITE_SIDE, Always,
        &[("handler", Like("notifications, or webhooks: and the name of the endpoint"))],
        "Parked streams, which wait for an operator, by handler"),
    ("event_handler_retries_total", Counter, WRITE_SIDE, Always,
        &[("handler", Like("notifications, or webhooks: and the name of the endpoint"))],
        "Failed attempts that are retried, by handler"),
    ("event_handler_streams_parked_total", Counter, WRITE_SIDE, Always,
        &[("handler", Like("notifications, or webhooks: and the name of the endpoint"))],
        "Times that a stream was parked, by handler"),
    ("event_store_append_batch_events", Histogram, WRITE_SIDE, Always,
        &[],
        "Events per append to the event store"),
    ("event_store_append_duration_seconds", Histogram, WRITE_SIDE, Always,
        &[],
        "Duration of appends to the event store, including the commit"),
    ("event_store_append_failures_total", Counter, WRITE_SIDE, Always,
        &[("outcome", OneOf(&["unavailable", "unknown", "failed"]))],
        "Failed attempts to append, by what is known: nothing was written (it is tried again), unknown, or rejected permanently"),
    ("event_store_append_pending_commits", Gauge, WRITE_SIDE, Always,
        &[],
        "Commits that wait for the result of their append"),
    ("event_store_head_position", Gauge, READ_SIDE, Always,
        &[],
        "The position of the last event of the log, as the read side sees it"),
    ("event_store_snapshots_dropped_total", Counter, WRITE_SIDE, Always,
        &[],
        "Snapshots that were dropped because the queue was full"),
    ("events_unreadable_total", Counter, SERVICES, Always,
        &[("reader", Like("name of a projection, saga, saga_index or decisions"))],
        "Stored events that could not be decoded, by reader"),
    ("graphql_messages_total", Counter, GATEWAY, Always,
        &[],
        "Messages of subscriptions that the gateway has sent"),
    ("graphql_operation_duration_seconds", Histogram, GATEWAY, Always,
        &[("operation", OneOf(&["query", "mutation", "subscription", "unknown"])), ("field", Like("the only root field that the operation selects, such as createOrder; several; none if it was rejected")), ("outcome", OneOf(&["ok", "failed", "rejected"]))],
        "Duration of GraphQL operations, by kind, root field and outcome: ok, failed, or rejected before anything was executed"),
    ("graphql_rate_limited_clients", Gauge, GATEWAY, When("RATE_LIMIT_PER_MINUTE"),
        &[],
        "Clients whose rate is counted at present"),
    ("graphql_rate_limited_total", Counter, GATEWAY, When("RATE_LIMIT_PER_MINUTE"),
        &[],
        "Requests and operations over the rate of their client"),
    ("graphql_shed_total", Counter, GATEWAY, Always,
        &[],
        "Requests and operations that were rejected because too much was executed at the same time"),
    ("graphql_sockets", Gauge, GATEWAY, Always,
        &[("transport", OneOf(&["ws", "sse"]))],
        "Open connections with subscriptions, by transport (ws or sse)"),
    ("graphql_sockets_closed_total", Counter, GATEWAY, Always,
        &[("transport", OneOf(&["ws", "sse"])), ("code", Like("the close code; complete or none if there was none"))],
        "Connections with subscriptions that were closed, by transport and close code; 4410 is a client that reads too slowly"),
    ("graphql_subscription_groups", Gauge, GATEWAY, Always,
        &[],
        "Different subscriptions; equal ones share their executions"),
    ("graphql_subscriptions", Gauge, GATEWAY, Always,
        &[],
        "Subscriptions of the gateway"),
    ("grpc_client_calls_total", Counter, GATEWAY, Always,
        &[("service", Like("with its package, such as proto.Admin")), ("method", Like("name of the method")), ("code", Like("name of a gRPC status code, such as OK"))],
        "Calls of the gateway to the services, including retries, by method and code"),
    ("grpc_client_duration_seconds", Histogram, GATEWAY, Always,
        &[("service", Like("with its package, such as proto.Admin")), ("method", Like("name of the method"))],
        "Duration of the tries of calls of the gateway to the services; a call that the circuit breaker does not send has none"),
    ("grpc_server_duration_seconds", Histogram, SERVICES, Always,
        &[("method", Like("service and method, such as OrderCommand/CreateOrder")), ("code", Like("name of a gRPC status code, such as OK"))],
        "Duration of handled gRPC calls, by method and code"),
    ("http_request_duration_seconds", Histogram, GATEWAY, Always,
        &[("method", OneOf(&["GET", "POST", "other"])), ("path", OneOf(&["/", "/graphql", "/graphiql", "/schema.graphql", "/health", "/health/live", "/health/ready", "/metrics", "other"])), ("status", OneOf(&["2xx", "3xx", "4xx", "5xx"]))],
        "Duration of HTTP requests, by method, path and class of status"),
    ("notifications_failed_total", Counter, WRITE_SIDE, Always,
        &[],
        "Notifications that the mail server declined permanently"),
    ("process_cpu_seconds_total", Counter, ALL, Always,
        &[],
        "Total user and system CPU time spent in seconds"),
    ("process_max_fds", Gauge, ALL, Always,
        &[],
        "Maximum number of open file descriptors"),
    ("process_memory_limit_bytes", Gauge, ALL, Always,
        &[],
        "Memory limit of the control group (v2) of the process; +Inf without a limit"),
    ("process_open_fds", Gauge, ALL, Always,
        &[],
        "Number of open file descriptors"),
    ("process_resident_memory_bytes", Gauge, ALL, Always,
        &[],
        "Resident memory size in bytes"),
    ("process_start_time_seconds", Gauge, ALL, Always,
        &[],
        "Start time of the process since unix epoch in seconds"),
    ("process_threads", Gauge, ALL, Always,
        &[],
        "Number of OS threads"),
    ("process_virtual_memory_bytes", Gauge, ALL, Always,
        &[],
        "Virtual memory size in bytes"),
    ("projection_building", Gauge, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "1 while a read model is being built, by projection"),
    ("projection_events_total", Counter, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "Events that this process has passed to a projection"),
    ("projection_lag_events", Gauge, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "Events of the log that a projection's rows do not reflect yet; NaN while the log cannot be read"),
    ("projection_lag_seconds", Gauge, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "How long an event has been missing from a projection's rows; NaN while the log cannot be read"),
    ("projection_parked", Gauge, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "1 while a projection is parked at an event that it cannot process"),
    ("projection_position", Gauge, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "The position of the log that a projection's rows reflect"),
    ("projection_rebuilds_total", Counter, READ_SIDE, Always,
        &[("projection", Like("name of the projection"))],
        "Read models that were rebuilt because the event store was restored or replaced"),
    ("saga_active", Gauge, WRITE_SIDE, Always,
        &[],
        "Open sagas that this process owns"),
    ("saga_compensated_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Sagas that ended with their steps compensated"),
    ("saga_completed_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Sagas that ended with all steps completed"),
    ("saga_corrupt_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Reads of sagas with an illegal transition, or without their definition in this binary"),
    ("saga_duration_seconds", Histogram, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Duration of sagas from start to end"),
    ("saga_failed_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Sagas that an operator closed as failed"),
    ("saga_started_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Sagas that started"),
    ("saga_step_duration_seconds", Histogram, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga")), ("step", Like("name of the step, such as process_payment")), ("outcome", OneOf(&["done", "compensated", "declined", "transient", "unknown"]))],
        "Duration of external step calls, by step and outcome"),
    ("saga_suspended", Gauge, WRITE_SIDE, Always,
        &[],
        "Open sagas of this process that are suspended until an operator acts"),
    ("saga_suspended_total", Counter, WRITE_SIDE, Always,
        &[("saga", Like("name of the saga"))],
        "Times that a saga was suspended"),
    ("tls_certificate_expiry_timestamp_seconds", Gauge, ALL, When("TLS"),
        &[("user", Like("the setting with the address of a listener, or calls"))],
        "When the first certificate of a chain in use expires, in seconds since 1970, by user"),
    ("tls_certificate_reloads_total", Counter, ALL, When("TLS"),
        &[("user", Like("the setting with the address of a listener, or calls")), ("outcome", OneOf(&["replaced", "failed"]))],
        "Times that the files of certificates were replaced, or could not be read, by user and outcome"),
    ("tls_handshakes_failed_total", Counter, ALL, When("a handshake failed"),
        &[("listener", Like("the setting with its address, such as CLIENT_HTTP_ADDR"))],
        "Connections whose TLS handshake failed, by listener"),
    ("tokio_alive_tasks", Gauge, ALL, Always,
        &[],
        "Tasks of the runtime that have not ended"),
    ("tokio_global_queue_tasks", Gauge, ALL, Always,
        &[],
        "Tasks that are ready and that no worker of the runtime has taken yet"),
    ("tokio_workers", Gauge, ALL, Always,
        &[],
        "Worker threads of the runtime"),
    ("trace_spans_recorded_total", Counter, ALL, When("OTEL_EXPORTER_OTLP_ENDPOINT"),
        &[],
        "Spans that were to be exported; what trace_spans_total lacks of them waits in the queue, or was dropped because it was full"),
    ("trace_spans_total", Counter, ALL, When("OTEL_EXPORTER_OTLP_ENDPOINT"),
        &[("outcome", OneOf(&["exported", "lost"]))],
        "Spans by outcome: exported to the collector, or lost because it did not take them"),
    ("webhooks_declined_total", Counter, WRITE_SIDE, When("an endpoint in WEBHOOKS_FILE"),
        &[("endpoint", Like("name of the endpoint"))],
        "Events that a webhook endpoint declined permanently, by endpoint"),
];

/// Registers the help texts. Must be called after a recorder is installed.
pub(crate) fn describe() {
    for &(name, kind, .., help) in METRICS {
        match kind {
            Counter => describe_counter!(name, help),
            Gauge => describe_gauge!(name, help),
            Histogram => describe_histogram!(name, help),
        }
    }
}

impl Kind {
    /// The type in the text format of Prometheus.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Counter => "counter",
            Gauge => "gauge",
            Histogram => "histogram",
        }
    }
}
