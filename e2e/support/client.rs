//! A client that retries a request under the same key until its outcome is known.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use test_shop::{Answer, Connection, Operation};
use tokio::time::{Instant, sleep, timeout};

/// Longer than any deadline of the services.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than any outage of a test.
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);
/// Limits the rate of retries while a gateway is down.
const PAUSE: Duration = Duration::from_millis(50);

/// The outcome of a request.
#[derive(Debug, PartialEq)]
pub enum RequestResult {
    Done(Value),
    /// The domain rejected it, with this code.
    Rejected(String),
    /// No gateway answered for a minute, or the error is one that must not occur.
    Lost(String),
}

impl fmt::Display for RequestResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(answer) => write!(f, "done: {answer}"),
            Self::Rejected(code) => write!(f, "rejected as {code}"),
            Self::Lost(what) => write!(f, "lost: {what}"),
        }
    }
}

/// A client with a connection that is kept open while it works.
#[derive(Debug)]
pub struct Client {
    gateways: Vec<SocketAddr>,
    /// The number of the current gateway.
    at: usize,
    connection: Option<Connection>,
    /// The number of retries.
    pub retries: u64,
}

impl Client {
    /// A client that starts at gateway number `at`, and moves to the next one when a gateway does not answer.
    pub fn new(gateways: &[SocketAddr], at: usize) -> Self {
        Self {
            gateways: gateways.to_vec(),
            at,
            connection: None,
            retries: 0,
        }
    }

    /// Sends a request until its outcome is known. Without a key, a retried mutation may be executed twice.
    pub async fn ask(
        &mut self,
        document: &str,
        variables: &Value,
        key: Option<&str>,
    ) -> RequestResult {
        let mut operation = Operation::new(document).with(variables.clone());
        if let Some(key) = key {
            operation = operation.with_header("Idempotency-Key", key);
        }
        let deadline = Instant::now() + RETRY_TIMEOUT;
        loop {
            let answer = self.ask_once(&operation).await;
            match answer.map(|answer| classify(&answer)) {
                Some(Ok(known)) => return known,
                Some(Err(body)) if Instant::now() >= deadline => return RequestResult::Lost(body),
                None if Instant::now() >= deadline => {
                    return RequestResult::Lost("no answer".to_owned());
                }
                Some(Err(_)) => {}
                None => {
                    self.connection = None;
                    self.at += 1;
                }
            }
            self.retries += 1;
            sleep(PAUSE).await;
        }
    }

    async fn ask_once(&mut self, operation: &Operation) -> Option<Answer> {
        if self.connection.is_none() {
            let gateway = self.gateways[self.at % self.gateways.len()];
            self.connection = Connection::open(gateway).await.ok();
        }
        let answer = operation.send_on(self.connection.as_mut()?);
        timeout(REQUEST_TIMEOUT, answer).await.ok()?.ok()
    }
}

/// The outcome that an answer reports; an error means that the request must be retried.
fn classify(answer: &Answer) -> Result<RequestResult, String> {
    if let Ok(data) = answer.data() {
        let field = data.as_object().and_then(|data| data.values().next());
        return Ok(RequestResult::Done(field.cloned().unwrap_or_default()));
    }
    match answer.code() {
        Some("SERVICE_UNAVAILABLE" | "IDEMPOTENCY_IN_PROGRESS") => Err(answer.body.to_string()),
        Some(code @ ("CONFLICT" | "VALIDATION_ERROR" | "NOT_FOUND")) => {
            Ok(RequestResult::Rejected(code.to_owned()))
        }
        _ => Ok(RequestResult::Lost(format!(
            "{}: {}",
            answer.status, answer.body
        ))),
    }
}
