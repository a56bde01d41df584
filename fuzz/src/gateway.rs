//! A gateway in front of services that know no entity.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use client_service::testing::routes;
use client_service::{Channels, Config};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use platform::config::AppEnv;
use platform::runtime::GrpcChannel;
use platform::{Settings, Tasks};
use serde_json::Value;
use tonic::Status;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::clock::FixedClock;
use crate::runtime::block_on;

/// With this one, a request that is rejected has a status of its own.
const MEDIA_TYPE: &str = "application/graphql-response+json";

/// Kept by a thread, because its runtime is.
#[derive(Clone, Debug)]
pub struct Gateway(Router);

/// A response: its status and its body.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Value,
}

impl Answer {
    /// The code of the first error.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.body["errors"][0]["extensions"]["code"].as_str()
    }
}

async fn not_found() -> Response<Body> {
    Status::not_found("it does not exist").into_http()
}

impl Gateway {
    /// # Panics
    /// The gateway does not start.
    #[must_use]
    pub fn start() -> Self {
        let settings = Settings::from_environment([("GRAPHQL_MAX_CONCURRENT_UNITS", "100000")]);
        let config = settings.read(|reader| Config::read(reader, Ok(AppEnv::Production)));
        let services = || GrpcChannel::in_process(Routes::from(Router::new().fallback(not_found)));
        let channels = Channels {
            command: services(),
            query: services(),
        };
        let config = config.expect("valid settings");
        let tasks = Tasks::new();
        let routes = routes(&config, channels, Arc::new(FixedClock), &tasks);
        Self(block_on(routes).expect("a gateway"))
    }

    /// The response to the body of a POST.
    ///
    /// # Panics
    /// See [`Gateway::answer`].
    #[must_use]
    pub fn post(&self, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, MEDIA_TYPE)
            .body(body.into());
        self.answer(request.expect("a request"))
    }

    /// The response to a GET with these parameters.
    ///
    /// # Panics
    /// See [`Gateway::answer`].
    #[must_use]
    pub fn get(&self, parameters: &str) -> Answer {
        let request = Request::builder()
            .uri(format!("/graphql?{parameters}"))
            .header(header::HOST, "localhost")
            .header(header::ACCEPT, MEDIA_TYPE)
            .body(Body::empty());
        self.answer(request.expect("a request"))
    }

    /// # Panics
    /// The response is an error of the server, or not what GraphQL asks for.
    fn answer(&self, request: Request<Body>) -> Answer {
        let (status, body) = block_on(async {
            let response = self.0.clone().oneshot(request).await;
            let response = response.unwrap_or_else(|never| match never {});
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a complete body");
            (parts.status, body.to_bytes())
        });
        let body: Value = serde_json::from_slice(&body).expect("a body in JSON");
        assert!(!status.is_server_error(), "{status}: {body}");
        let errors = body["errors"].as_array();
        assert!(errors.is_none_or(|all| !all.is_empty()), "{body}");
        assert!(errors.is_some() || body["data"].is_object(), "{body}");
        for error in errors.into_iter().flatten() {
            assert!(error["message"].is_string(), "{body}");
            assert_ne!(error["extensions"]["code"], "INTERNAL_ERROR", "{body}");
        }
        assert!(status.is_success() || errors.is_some(), "{status}: {body}");
        Answer { status, body }
    }
}
