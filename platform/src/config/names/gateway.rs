//! The gateway: what it shows, and the limits of a query.

use super::accepts::{A_BOOLEAN, A_COUNT};
use crate::config::setting::Setting;
use crate::config::values::{boolean, hosts, positive};

/// The names under which the gateway is reached.
pub const ALLOWED_HOSTS: Setting<Vec<String>> = Setting::new(
    "ALLOWED_HOSTS",
    hosts,
    "host names, separated by commas",
    "Names that requests to the gateway may have as their Host, beside localhost and addresses",
);
/// Whether production shows `/graphiql` and `/schema.graphql`.
pub const GRAPHIQL: Setting<bool> = Setting::new(
    "GRAPHIQL",
    boolean,
    A_BOOLEAN,
    "Serve /graphiql and /schema.graphql in production too",
)
.or("false")
.switch();
pub const GRAPHQL_MAX_DEPTH: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_DEPTH",
    positive,
    A_COUNT,
    "How deep a query may be",
)
.or("10");
/// The most complex query.
pub const GRAPHQL_MAX_COMPLEXITY: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_COMPLEXITY",
    positive,
    A_COUNT,
    "How complex a query may be: an object is 1, a list multiplies by its limit or 20",
)
.or("1000");
