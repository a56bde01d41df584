//! The descriptions of all metrics.
//!
//! Every metric must be listed here: `cargo xtask check metrics` compares the names with those that the code uses.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// Name, kind and help text, in alphabetical order.
#[rustfmt::skip]
const METRICS: &[(&str, Kind, &str)] = &[
    ("authentication_key_reads_total", Counter, "Reads of the keys of tokens from their provider, by outcome"),
    ("authentication_tokens_rejected_total", Counter, "Tokens that were not accepted, by reason"),
    ("build_info", Gauge, "1, with the version of the process"),
    ("cache_requests_total", Counter, "Reads of the query-service, by table and cache outcome (hit or miss)"),
    ("change_streams", Gauge, "Open streams of changes from the query-service to gateways and others"),
    ("circuit_breaker_state", Gauge, "What the gateway does with calls of a service: 0 sends them, 1 sends a few, 2 suspends them"),
    ("clock_offset_seconds", Gauge, "Offset of the machine's clock from the authoritative clock, in seconds; positive if it is ahead"),
    ("command_duration_seconds", Histogram, "Duration of commands from receipt to reply, by command and outcome"),
    ("connections_over_limit_total", Counter, "Connections over the limit, by listener; they are served for one second, and only health and metrics"),
    ("db_pool_acquire_seconds", Histogram, "Wait times for a connection of a database pool, by pool"),
    ("db_pool_connections", Gauge, "Connections of a database pool: idle, busy, and the maximum"),
    ("event_handler_events_total", Counter, "Events that an event handler has processed, by handler"),
    ("event_handler_lag_events", Gauge, "Events of the log after the checkpoint of an event handler that this process runs"),
    ("event_handler_parked_streams", Gauge, "Parked streams, which wait for an operator, by handler"),
    ("event_handler_retries_total", Counter, "Failed attempts that are retried, by handler"),
    ("event_handler_streams_parked_total", Counter, "Times that a stream was parked, by handler"),
    ("event_store_append_batch_events", Histogram, "Events per append to the event store"),
    ("event_store_append_duration_seconds", Histogram, "Duration of appends to the event store, including the commit"),
    ("event_store_snapshots_dropped_total", Counter, "Snapshots that were dropped because the queue was full"),
    ("events_unreadable_total", Counter, "Stored events that could not be decoded, by reader"),
    ("graphql_messages_total", Counter, "Messages of subscriptions that the gateway has sent"),
    ("graphql_operation_duration_seconds", Histogram, "Duration of GraphQL operations, by kind and outcome"),
    ("graphql_rate_limited_clients", Gauge, "Clients whose rate is counted at present"),
    ("graphql_rate_limited_total", Counter, "Requests and operations over the rate of their client"),
    ("graphql_shed_total", Counter, "Requests and operations that were rejected because too much was executed at the same time"),
    ("graphql_sockets", Gauge, "Open connections with subscriptions, by transport (ws or sse)"),
    ("graphql_sockets_closed_total", Counter, "Connections with subscriptions that were closed, by transport and close code; 4410 is a client that reads too slowly"),
    ("graphql_subscription_groups", Gauge, "Different subscriptions; equal ones share their executions"),
    ("graphql_subscriptions", Gauge, "Subscriptions of the gateway"),
    ("grpc_client_calls_total", Counter, "Calls of the gateway to the services, including retries, by method and code"),
    ("grpc_server_duration_seconds", Histogram, "Duration of handled gRPC calls, by method and code"),
    ("http_request_duration_seconds", Histogram, "Duration of HTTP requests, by method, path and class of status"),
    ("notifications_failed_total", Counter, "Notifications that the mail server declined permanently"),
    ("projection_building", Gauge, "1 while a read model is being built, by projection"),
    ("projection_events_total", Counter, "Events that this process has passed to a projection"),
    ("projection_lag_events", Gauge, "Events of the log that a projection's rows do not reflect yet; NaN while the log cannot be read"),
    ("projection_lag_seconds", Gauge, "How long an event has been missing from a projection's rows; NaN while the log cannot be read"),
    ("projection_parked", Gauge, "1 while a projection is parked at an event that it cannot process"),
    ("projection_position", Gauge, "The position of the log that a projection's rows reflect"),
    ("projection_rebuilds_total", Counter, "Read models that were rebuilt because the event store was restored or replaced"),
    ("saga_active", Gauge, "Open sagas that this process owns"),
    ("saga_compensated_total", Counter, "Sagas that ended with their steps compensated"),
    ("saga_completed_total", Counter, "Sagas that ended with all steps completed"),
    ("saga_corrupt_total", Counter, "Reads of sagas with an illegal transition, or without their definition in this binary"),
    ("saga_duration_seconds", Histogram, "Duration of sagas from start to end"),
    ("saga_failed_total", Counter, "Sagas that an operator closed as failed"),
    ("saga_started_total", Counter, "Sagas that started"),
    ("saga_step_duration_seconds", Histogram, "Duration of external step calls, by step and outcome"),
    ("saga_suspended", Gauge, "Open sagas of this process that are suspended until an operator acts"),
    ("saga_suspended_total", Counter, "Times that a saga was suspended"),
    ("tls_certificate_reloads_total", Counter, "Times that the files of certificates were replaced, or could not be read, by user and outcome"),
    ("tls_handshakes_failed_total", Counter, "Connections whose TLS handshake failed, by listener"),
    ("trace_spans_total", Counter, "Spans by outcome: exported to the collector, or lost because it did not take them"),
    ("webhooks_declined_total", Counter, "Events that a webhook endpoint declined permanently, by endpoint"),
];

/// Registers the help texts. Must be called after a recorder is installed.
pub(crate) fn describe() {
    for (name, kind, help) in METRICS {
        match kind {
            Counter => describe_counter!(*name, *help),
            Gauge => describe_gauge!(*name, *help),
            Histogram => describe_histogram!(*name, *help),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, METRICS};

    #[test]
    fn the_list_is_sorted_and_only_counters_end_in_total() {
        assert!(METRICS.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (name, kind, help) in METRICS {
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(!help.is_empty() && !help.ends_with('.'), "{name}");
        }
    }
}
