//! A client of the shop's GraphQL API.

use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, StatusCode, header};
use backon::{BackoffBuilder, ExponentialBuilder};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{self, TransportError};
use crate::location::ServiceAddress;

/// One request and up to five retries.
const RETRY: ExponentialBuilder = ExponentialBuilder::new()
    .with_jitter()
    .with_min_delay(Duration::from_millis(100))
    .with_max_times(5);

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    #[error("cannot set up the HTTP client")]
    SetUp(#[source] reqwest::Error),
    #[error("nothing answers at {url} (is the shop running? its address is set by {settings})")]
    Unreachable {
        url: String,
        settings: &'static str,
        #[source]
        source: TransportError,
    },
    /// The server at this address is not the shop, or a proxy answered.
    #[error("{url} answered {status} without a GraphQL response: {body}")]
    NotGraphQl {
        url: String,
        status: StatusCode,
        /// The first characters of its body.
        body: String,
    },
    /// The response has a GraphQL error.
    #[error("the shop rejected {operation}: {message} ({code})")]
    Rejected {
        operation: &'static str,
        code: String,
        message: String,
    },
    /// The shop requires a token, or does not accept the one that was sent.
    #[error(
        "the shop rejected {operation}: {message} (SHOP_TOKEN, or AUTH_JWT_SECRET_FILE with the shop's secret, authenticates)"
    )]
    Unauthenticated {
        operation: &'static str,
        message: String,
    },
    /// The response lacks the requested data.
    #[error("the shop's response to {0} has an unexpected shape")]
    Shape(&'static str),
}

impl RequestError {
    /// Whether the error code is `NOT_FOUND`.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Rejected { code, .. } if code == "NOT_FOUND")
    }
}

/// An operation of the API.
#[derive(Clone, Copy, Debug)]
pub struct Operation<'a> {
    pub name: &'static str,
    pub document: &'a str,
}

#[derive(Debug)]
pub struct Client {
    url: String,
    settings: &'static str,
    authorization: Option<HeaderValue>,
    http: reqwest::Client,
    /// The highest log position of any response, sent as the minimum of later requests: a client reads its own writes.
    position: u64,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Vec<ReplyError>,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Deserialize)]
struct ReplyError {
    message: String,
    #[serde(default)]
    extensions: Extensions,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extensions {
    #[serde(default)]
    code: String,
    #[serde(default)]
    position: String,
    #[serde(default)]
    retry_after: Option<u64>,
}

impl Client {
    /// A client that connects on first use.
    ///
    /// # Errors
    /// [`RequestError::SetUp`]
    pub fn try_new(gateway: &ServiceAddress) -> Result<Self, RequestError> {
        let tls = gateway.tls.as_ref();
        let scheme = if tls.is_some() { "https" } else { "http" };
        Ok(Self {
            url: format!("{scheme}://{gateway}"),
            settings: gateway.settings,
            authorization: gateway.credentials.authorization().cloned(),
            http: http::client(tls).map_err(RequestError::SetUp)?,
            position: 0,
        })
    }

    /// The highest log position of any response.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// From now on, requests read at least the state at `position`.
    pub fn raise_position(&mut self, position: u64) {
        self.position = self.position.max(position);
    }

    /// Executes a query.
    ///
    /// # Errors
    /// [`RequestError`], after all retries if it is transient.
    pub async fn query(
        &mut self,
        operation: Operation<'_>,
        variables: Value,
    ) -> Result<Value, RequestError> {
        self.execute(operation, variables, None).await
    }

    /// Executes a mutation. Its idempotency key makes retries safe: it takes effect once.
    ///
    /// # Errors
    /// [`RequestError`], after all retries if it is transient.
    pub async fn mutate(
        &mut self,
        operation: Operation<'_>,
        variables: Value,
        key: &str,
    ) -> Result<Value, RequestError> {
        self.execute(operation, variables, Some(key)).await
    }

    async fn execute(
        &mut self,
        operation: Operation<'_>,
        variables: Value,
        key: Option<&str>,
    ) -> Result<Value, RequestError> {
        let text = json!({ "query": operation.document, "variables": variables }).to_string();
        let body = Bytes::from(text);
        let mut pauses = RETRY.build();
        loop {
            let FailedTry { error, again } = match self.try_once(operation, body.clone(), key).await
            {
                Ok(data) => return Ok(data),
                Err(failed) => failed,
            };
            let (Some(wait), Some(pause)) = (again, pauses.next()) else {
                return Err(error);
            };
            tokio::time::sleep(wait.max(pause)).await;
        }
    }

    async fn try_once(
        &mut self,
        operation: Operation<'_>,
        body: Bytes,
        key: Option<&str>,
    ) -> Result<Value, FailedTry> {
        let url = format!("{}/graphql", self.url);
        let answer = http::post(&self.http, url, self.headers(key), body).await;
        let (status, body) = answer.map_err(|source| FailedTry {
            // A refused connection means that no shop runs there, which a retry will not change.
            again: (!matches!(source, TransportError::Connect(_))).then_some(Duration::ZERO),
            error: RequestError::Unreachable {
                url: self.url.clone(),
                settings: self.settings,
                source,
            },
        })?;
        let Ok(reply) = serde_json::from_slice::<Reply>(&body) else {
            let text = String::from_utf8_lossy(&body);
            return Err(FailedTry {
                again: None,
                error: RequestError::NotGraphQl {
                    url: self.url.clone(),
                    status,
                    body: text.chars().take(200).collect(),
                },
            });
        };
        if let Ok(position) = reply.extensions.position.parse() {
            self.raise_position(position);
        }
        match reply.errors.into_iter().next() {
            None => Ok(reply.data),
            Some(error) => Err(error.into_failure(operation.name)),
        }
    }

    fn headers(&self, key: Option<&str>) -> HeaderMap {
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(authorization) = &self.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        if self.position > 0 {
            headers.insert("x-min-position", HeaderValue::from(self.position));
        }
        if let Some(key) = key.and_then(|key| HeaderValue::from_str(key).ok()) {
            headers.insert("idempotency-key", key);
        }
        headers
    }
}

struct FailedTry {
    error: RequestError,
    /// The minimum wait before a retry; none if a retry cannot help.
    again: Option<Duration>,
}

impl ReplyError {
    fn into_failure(self, operation: &'static str) -> FailedTry {
        let later = [
            "SERVICE_UNAVAILABLE",
            "RATE_LIMIT_EXCEEDED",
            "IDEMPOTENCY_IN_PROGRESS",
        ];
        let again = later
            .contains(&self.extensions.code.as_str())
            .then(|| Duration::from_secs(self.extensions.retry_after.unwrap_or(0)));
        let (code, message) = (self.extensions.code, self.message);
        let error = match code.as_str() {
            "UNAUTHENTICATED" => RequestError::Unauthenticated { operation, message },
            _ => RequestError::Rejected {
                operation,
                code,
                message,
            },
        };
        FailedTry { error, again }
    }
}
