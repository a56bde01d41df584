//! Settings of the gateway.

use ipnet::IpNet;

use super::accepts::{A_BOOLEAN, A_COUNT};
use crate::config::setting::Setting;
use crate::config::values::{boolean, hosts, networks, number, origins, positive, text};

pub const ALLOWED_HOSTS: Setting<Vec<String>> = Setting::new(
    "ALLOWED_HOSTS",
    hosts,
    "host names, separated by commas",
    "Host names that requests to the gateway may use, in addition to localhost and IP addresses",
);
pub const CORS_ALLOWED_ORIGINS: Setting<Vec<String>> = Setting::new(
    "CORS_ALLOWED_ORIGINS",
    origins,
    "origins such as https://shop.example, separated by commas",
    "Origins whose pages may call the gateway from a browser; in development those of this machine may, too",
);
pub const GRAPHIQL: Setting<bool> = Setting::new(
    "GRAPHIQL",
    boolean,
    A_BOOLEAN,
    "Serve /graphiql and /schema.graphql in production too",
)
.or("false")
.switch();
pub const GRAPHIQL_DIR: Setting<String> = Setting::new(
    "GRAPHIQL_DIR",
    text,
    "a path",
    "Folder with the files of GraphiQL, as cargo xtask graphiql writes it; by default the user's cache folder, if it has them",
);
pub const GRAPHQL_OPERATIONS: Setting<String> = Setting::new(
    "GRAPHQL_OPERATIONS",
    text,
    "a path",
    "Manifest (JSON: texts by hash) or folder (*.graphql) of the only operations that are executed",
);
pub const GRAPHQL_MAX_DEPTH: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_DEPTH",
    positive,
    A_COUNT,
    "Maximum depth of a query",
)
.or("10");
pub const GRAPHQL_MAX_COMPLEXITY: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_COMPLEXITY",
    positive,
    A_COUNT,
    "Maximum number of objects that the response to a query can have, by the sizes of its lists",
)
.or("30000");
pub const GRAPHQL_MAX_RESPONSE_BYTES: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_RESPONSE_BYTES",
    positive,
    A_COUNT,
    "Maximum size of a GraphQL response in bytes",
)
.or("8388608");
pub const GRAPHQL_MAX_CONCURRENT_UNITS: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_CONCURRENT_UNITS",
    positive,
    A_COUNT,
    "Maximum of all requests that are executed at the same time, each 1 and 1 more for each 1,000 objects",
)
.or("2000");
pub const GRAPHQL_MAX_SOCKETS: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_SOCKETS",
    positive,
    A_COUNT,
    "Maximum number of WebSockets and event streams of the gateway",
)
.or("5000");
pub const GRAPHQL_MAX_SUBSCRIPTIONS: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_SUBSCRIPTIONS",
    positive,
    A_COUNT,
    "Maximum number of subscriptions of the gateway",
)
.or("10000");
pub const GRAPHQL_MAX_OPERATIONS_PER_SOCKET: Setting<u32> = Setting::new(
    "GRAPHQL_MAX_OPERATIONS_PER_SOCKET",
    positive,
    A_COUNT,
    "Maximum number of operations of one WebSocket at the same time",
)
.or("20");
pub const RATE_LIMIT_PER_MINUTE: Setting<u32> = Setting::new(
    "RATE_LIMIT_PER_MINUTE",
    number,
    "1 to 4294967295, or 0 for no limit",
    "Units that a client may spend a minute; by default 1000 if AUTH is jwt, else no limit",
);
pub const TRUSTED_PROXIES: Setting<Vec<IpNet>> = Setting::new(
    "TRUSTED_PROXIES",
    networks,
    "addresses and networks such as 10.0.0.0/8, separated by commas",
    "Proxies whose X-Forwarded-For says who the client is",
);
