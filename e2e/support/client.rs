//! A client that does not give up: it asks again under the same key until it knows what became of its request.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use test_shop::{Answer, Connection, Operation};
use tokio::time::{Instant, sleep, timeout};

/// Longer than any deadline of the services.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// Longer than any outage of a test.
const GIVES_UP_AFTER: Duration = Duration::from_mins(1);
/// Keeps it from hammering a gateway that is gone.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of a request.
#[derive(Debug, PartialEq)]
pub enum Known {
    Done(Value),
    /// The domain refused it, with this code.
    Refused(String),
    /// Nobody could be asked for a minute, or the answer was none that a client can live with.
    Lost(String),
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(answer) => write!(f, "done: {answer}"),
            Self::Refused(code) => write!(f, "refused as {code}"),
            Self::Lost(what) => write!(f, "lost: {what}"),
        }
    }
}

/// One client with a connection that it keeps while it works.
#[derive(Debug)]
pub struct Client {
    gateways: Vec<SocketAddr>,
    /// Which gateway it asks.
    at: usize,
    connection: Option<Connection>,
    /// How often it had to ask again.
    pub retries: u64,
}

impl Client {
    /// One that begins at gateway number `at`, and goes on to the next one when that does not answer.
    pub fn new(gateways: &[SocketAddr], at: usize) -> Self {
        Self {
            gateways: gateways.to_vec(),
            at,
            connection: None,
            retries: 0,
        }
    }

    /// Asks until it knows. Under a key it is safe to ask again; without one a change may be made twice.
    pub async fn ask(&mut self, document: &str, variables: &Value, key: Option<&str>) -> Known {
        let mut operation = Operation::new(document).with(variables.clone());
        if let Some(key) = key {
            operation = operation.with_header("Idempotency-Key", key);
        }
        let deadline = Instant::now() + GIVES_UP_AFTER;
        loop {
            let heard = self.ask_once(&operation).await;
            match heard.map(|answer| judge(&answer)) {
                Some(Ok(known)) => return known,
                Some(Err(body)) if Instant::now() >= deadline => return Known::Lost(body),
                None if Instant::now() >= deadline => return Known::Lost("no answer".to_owned()),
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

/// What an answer tells, or why it must be asked for again.
fn judge(answer: &Answer) -> Result<Known, String> {
    if let Ok(data) = answer.data() {
        let field = data.as_object().and_then(|data| data.values().next());
        return Ok(Known::Done(field.cloned().unwrap_or_default()));
    }
    match answer.code() {
        Some("SERVICE_UNAVAILABLE" | "IDEMPOTENCY_IN_PROGRESS") => Err(answer.body.to_string()),
        Some(code @ ("CONFLICT" | "VALIDATION_ERROR" | "NOT_FOUND")) => {
            Ok(Known::Refused(code.to_owned()))
        }
        _ => Ok(Known::Lost(format!("{}: {}", answer.status, answer.body))),
    }
}
