//! The edge: GraphQL over HTTP. Commands are mutations, queries are queries; both are limited before anything runs.

mod answers;
mod execute;
mod mutation;
mod query;
mod resolvers;
mod types;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Schema};
use event_sourcing::Clock;
use graphql_http::{
    AllowedHosts, AllowedOrigins, Backend, Clients, Endpoint, Explorer, GraphiqlFolder, LoadLimit,
    MAX_NESTING, Sample, Site,
};
use platform::runtime::StartError;
use platform::telemetry::Metrics;
use platform::{Health, Tasks};

use crate::settings::Config;
use mutation::Mutation;
use query::Query;

pub(crate) use answers::StoredAnswers;
pub(crate) use resolvers::Edge;

/// What is executed at the same time, in units: 1 for a request, and more for long lists.
const MAX_CONCURRENT_UNITS: u32 = 2_000;

/// The operations with which `/graphiql` begins.
const SAMPLES: &[Sample] = &[
    Sample {
        query: "query Accounts {\n  accounts {\n    id\n    owner\n    cents\n  }\n}\n",
        variables: "",
    },
    Sample {
        query: "mutation OpenAccount($owner: String!) {\n  openAccount(owner: $owner) {\n    id\n  }\n}\n",
        variables: r#"{ "owner": "Ann" }"#,
    },
];

/// What the router needs in addition to the schema.
#[derive(Debug)]
pub(crate) struct RouterParts {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) clients: Clients,
}

/// The routes `/graphql`, `/graphiql`, `/health` and `/metrics`.
pub(crate) fn router(
    edge: Edge,
    config: &Config,
    parts: RouterParts,
    tasks: &Tasks,
) -> Result<axum::Router, StartError> {
    let schema = Schema::build(Query, Mutation, EmptySubscription)
        .limit_recursive_depth(MAX_NESTING)
        .data(edge);
    let schema = if config.limits.introspection {
        schema.finish()
    } else {
        // Suggestions in errors reveal the schema.
        schema.disable_suggestions().finish()
    };
    let sdl = schema.sdl();
    let engine: graphql_http::Engine = Box::new(move |request, _| {
        let schema = schema.clone();
        Box::pin(async move { schema.execute(request).await })
    });
    let executor = graphql_http::Executor::try_new(engine, sdl, config.limits)
        .map_err(|error| StartError::failed("read the schema", error))?;
    let load = LoadLimit::new(MAX_CONCURRENT_UNITS);
    let endpoint = Endpoint::new(executor, parts.backend, parts.clock, load, tasks.clone())
        .with_clients(parts.clients);
    let site = Site {
        health: parts.health,
        metrics: parts.metrics,
        explorer: config.limits.introspection.then(|| Explorer {
            graphiql: GraphiqlFolder::of_user(),
            samples: SAMPLES,
        }),
        hosts: AllowedHosts::new(&config.allowed_hosts),
        origins: AllowedOrigins::new(&config.allowed_origins, config.limits.introspection),
    };
    Ok(graphql_http::router(Arc::new(endpoint), site))
}
