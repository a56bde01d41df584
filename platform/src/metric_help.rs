//! What every metric of every process means.
//!
//! A metric is here before it is written: `cargo xtask check metrics` compares the names with those that the code uses.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// What a metric counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

/// Name, kind and help of each, in alphabetical order.
#[rustfmt::skip]
const METRICS: &[(&str, Kind, &str)] = &[
    ("build_info", Gauge, "1, with the version of the process"),
    ("cache_requests_total", Counter, "Reads of the query-service by table, and whether memory had the answer"),
    ("clock_offset_seconds", Gauge, "By how much the machine's clock is ahead of the one that decides deadlines and expiries"),
    ("command_duration_seconds", Histogram, "Commands from their receipt to their answer, by command and outcome"),
    ("connections_over_limit_total", Counter, "Connections over a limit, by listener; they get a second, and only health and metrics"),
    ("db_pool_acquire_seconds", Histogram, "Waits for a connection of a database pool, by pool"),
    ("db_pool_connections", Gauge, "Connections of a database pool: idle ones, busy ones, and the most there may be"),
    ("event_handler_events_total", Counter, "Events that an event handler has handled, by handler"),
    ("event_handler_lag_events", Gauge, "Events of the log after the checkpoint of an event handler that this process runs"),
    ("event_handler_parked_streams", Gauge, "Streams that wait for an operator, by handler"),
    ("event_handler_retries_total", Counter, "Tries that failed and are repeated, by handler"),
    ("event_handler_streams_parked_total", Counter, "Times that a stream was parked, by handler"),
    ("event_store_append_batch_events", Histogram, "Events in one append to the event store"),
    ("event_store_append_duration_seconds", Histogram, "Appends to the event store, commit included"),
    ("event_store_snapshots_dropped_total", Counter, "Snapshots that were not taken because too many were waiting"),
    ("events_unreadable_total", Counter, "Stored events that could not be read, by reader"),
    ("graphql_operation_duration_seconds", Histogram, "GraphQL operations, by kind and outcome"),
    ("grpc_client_calls_total", Counter, "Calls of the gateway to the services, tries included, by method and code"),
    ("grpc_server_duration_seconds", Histogram, "gRPC calls that were served, by method and code"),
    ("http_request_duration_seconds", Histogram, "HTTP requests, by method, path and class of status"),
    ("notifications_failed_total", Counter, "Notifications that the mail server refused permanently"),
    ("projection_building", Gauge, "1 while a read model is built, by projection"),
    ("projection_events_total", Counter, "Events that a projection was given by this process"),
    ("projection_lag_events", Gauge, "Events of the log that a projection's rows do not reflect yet; NaN while the log cannot be read"),
    ("projection_lag_seconds", Gauge, "For how long an event was seen to be missing from a projection's rows; NaN while the log cannot be read"),
    ("projection_parked", Gauge, "1 while a projection is parked at an event that it cannot read"),
    ("projection_position", Gauge, "The position of the log that a projection's rows reflect"),
    ("projection_rebuilds_total", Counter, "Read models that were built anew because the event store was restored or replaced"),
    ("saga_active", Gauge, "Open sagas that this process owns"),
    ("saga_compensated_total", Counter, "Sagas that ended with their steps undone"),
    ("saga_completed_total", Counter, "Sagas that ended with their steps done"),
    ("saga_corrupt_total", Counter, "Looks at sagas whose stream holds what no saga can do"),
    ("saga_duration_seconds", Histogram, "Sagas from their begin to their end"),
    ("saga_failed_total", Counter, "Sagas that were closed by hand"),
    ("saga_started_total", Counter, "Sagas that began"),
    ("saga_step_duration_seconds", Histogram, "Calls of external steps, by step and outcome"),
    ("saga_suspended", Gauge, "Open sagas of this process that wait for a person"),
    ("saga_suspended_total", Counter, "Times that a saga began to wait for a person"),
    ("webhooks_refused_total", Counter, "Events that an endpoint has refused permanently, by endpoint"),
];

/// Gives each its help. To be called once a recorder is there.
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
    fn the_list_is_in_order_and_counters_are_named_as_such() {
        assert!(METRICS.is_sorted_by(|(one, ..), (other, ..)| one < other));
        for (name, kind, help) in METRICS {
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
            assert!(!help.is_empty() && !help.ends_with('.'), "{name}");
        }
    }
}
