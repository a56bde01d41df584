//! `/graphiql`, where people try operations, and `/schema.graphql`.
//!
//! The page opens GraphiQL if the gateway has its files, else a form that needs nothing. It loads from the gateway alone.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::get;
use http::HeaderMap;
use serde::Serialize;

use super::endpoint::Endpoint;
use super::graphiql::{CSS, GraphiqlFolder, JAVASCRIPT};
use super::pages::{HTML, TEXT, conditional, guarded};
use super::unrouted;

const PAGE: &str = include_str!("../../assets/explorer.html");

/// What the page consists of, by name.
const FILES: [(&str, &str, &str); 4] = [
    (
        "explorer.css",
        CSS,
        include_str!("../../assets/explorer.css"),
    ),
    (
        "explorer.js",
        JAVASCRIPT,
        include_str!("../../assets/explorer.js"),
    ),
    (
        "plain.js",
        JAVASCRIPT,
        include_str!("../../assets/plain.js"),
    ),
    (
        "transport.js",
        JAVASCRIPT,
        include_str!("../../assets/transport.js"),
    ),
];

/// All scripts are files of the gateway. Styles may be inline, because GraphiQL's editor writes those of its theme. The page must
/// not be framed, to prevent clickjacking.
const POLICY: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; \
    style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// An operation to begin with.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Sample {
    pub query: &'static str,
    /// JSON, or empty.
    pub variables: &'static str,
}

/// The page's content.
#[derive(Clone, Debug, Default)]
pub struct Explorer {
    pub graphiql: GraphiqlFolder,
    pub samples: &'static [Sample],
}

/// What the page depends on.
#[derive(Serialize)]
struct Settings {
    /// Whether the files of GraphiQL are there.
    editor: bool,
    introspection: bool,
    samples: &'static [Sample],
}

#[derive(Debug)]
struct Served {
    explorer: Explorer,
    endpoint: Arc<Endpoint>,
}

/// The routes of the page, which sends its requests to `endpoint`.
pub fn router(explorer: Explorer, endpoint: Arc<Endpoint>) -> Router {
    let served = Served { explorer, endpoint };
    Router::new()
        .route("/graphiql", get(page))
        .route("/graphiql/", get(page))
        .route("/graphiql/{file}", get(file))
        .route(
            "/schema.graphql",
            get(
                async |State(served): State<Arc<Served>>, request: HeaderMap| {
                    conditional(TEXT, served.endpoint.sdl().to_owned(), &request)
                },
            ),
        )
        .with_state(Arc::new(served))
}

async fn page(State(served): State<Arc<Served>>, request: HeaderMap) -> Response {
    let settings = Settings {
        editor: served.explorer.graphiql.is_complete().await,
        introspection: served.endpoint.executes_introspection(),
        samples: served.explorer.samples,
    };
    // Cannot fail: there are no maps. Nothing in it can end the element that contains it.
    let settings = serde_json::to_string(&settings).unwrap_or_default();
    let html = PAGE.replace("{settings}", &settings.replace('<', "\\u003c"));
    guarded(conditional(HTML, html, &request), POLICY)
}

async fn file(
    State(served): State<Arc<Served>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers();
    if let Some((_, content_type, content)) = FILES.iter().find(|(known, ..)| *known == name) {
        return conditional(content_type, (*content).to_owned(), headers);
    }
    let served_file = served.explorer.graphiql.serve(&name, headers).await;
    served_file.unwrap_or_else(|| unrouted::unknown_path(&served.endpoint, request))
}
