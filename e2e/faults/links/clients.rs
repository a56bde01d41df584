//! Clients of the gateway, and what the gateway shows of its breakers.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use test_faults::Link;
use test_shop::{Answer, Connection, Operation, Reply, Request};
use tokio::time::timeout;

use crate::faults::linked::{COMMANDS, Linked, READS};
use crate::support::{Database, text};

/// Longer than any deadline of the services.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
const CREATE: &str =
    "mutation($name: String!) { createCategory(input: { name: $name }) { id name } }";
const READ: &str = "{ categoryExists(id: \"absent\") }";
const LIST: &str = "{ categories { id } }";

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Write,
    Read,
}

impl Side {
    pub fn other(self) -> Self {
        match self {
            Self::Write => Self::Read,
            Self::Read => Self::Write,
        }
    }

    pub fn link(self, system: &Linked) -> Result<&Link> {
        system.link(match self {
            Self::Write => COMMANDS,
            Self::Read => READS,
        })
    }

    /// Its component in the gateway's health.
    pub fn component(self) -> &'static str {
        match self {
            Self::Write => "command_service",
            Self::Read => "query_service",
        }
    }

    fn breaker(self) -> &'static str {
        match self {
            Self::Write => "circuit_breaker_state{service=\"command-service\"} ",
            Self::Read => "circuit_breaker_state{service=\"query-service\"} ",
        }
    }
}

/// What was reported about each category that was to be created, by its name.
#[derive(Debug)]
pub struct Clients<'a> {
    system: &'a Linked,
    reported: HashMap<String, String>,
}

pub fn create(name: &str) -> Operation {
    Operation::new(CREATE).with(json!({ "name": name }))
}

impl<'a> Clients<'a> {
    pub fn new(system: &'a Linked) -> Self {
        Self {
            system,
            reported: HashMap::new(),
        }
    }

    /// Sends operations to one service at the same time. They must succeed, or fail as they should while the service does
    /// not answer. Returns the number of successes.
    pub async fn ask(&mut self, side: Side) -> Result<usize> {
        let gateway = self.system.gateway;
        let names = ["a", "b"].map(|tag| format!("Category {} {tag}", self.reported.len()));
        let [first, second] = match side {
            Side::Write => names.each_ref().map(|name| create(name)),
            Side::Read => [Operation::new(READ), Operation::new(LIST)],
        };
        let both = async { tokio::join!(first.send(gateway), second.send(gateway)) };
        let answers = timeout(ANSWER_TIMEOUT, both).await;
        let (first, second) = answers.context("the gateway does not answer")?;
        let mut successes = 0;
        for (name, answer) in names.into_iter().zip([first?, second?]) {
            let outcome = outcome_of(side, &answer)?;
            successes += usize::from(outcome == "done");
            if side == Side::Write {
                self.reported.insert(name, outcome);
            }
        }
        Ok(successes)
    }

    /// All operations of this service succeed.
    pub async fn succeed(&mut self, side: Side) -> Result<()> {
        let successes = self.ask(side).await?;
        ensure!(successes == 2, "only {successes} of 2 on {side:?}");
        Ok(())
    }

    /// An operation of this service fails because its calls are suspended.
    pub async fn is_suspended(&mut self, side: Side) -> Result<()> {
        let operation = match side {
            Side::Write => create("Suspended"),
            Side::Read => Operation::new(READ),
        };
        let answer = operation.send(self.system.gateway).await?;
        let outcome = outcome_of(side, &answer)?;
        ensure!(outcome == "none", "{}", answer.body);
        let message = text(&answer.body["errors"][0], "message")?;
        let expected = "the service has not answered for a while";
        ensure!(message.starts_with(expected), "{message}");
        if side == Side::Write {
            self.reported.insert("Suspended".to_owned(), outcome);
        }
        Ok(())
    }

    /// What was reported of each mutation is true.
    pub async fn reports_are_true(&self) -> Result<()> {
        let made = categories(self.system).await?;
        for (name, outcome) in &self.reported {
            let count = made.iter().filter(|made| *made == name).count();
            let is_true = match outcome.as_str() {
                "none" => count == 0,
                "done" => count == 1,
                _ => count <= 1,
            };
            ensure!(
                is_true,
                "{name} was reported as {outcome}: {count} in the log"
            );
        }
        Ok(())
    }

    /// 0 while all calls are sent, 1 while a few are, 2 while none is.
    pub async fn breaker(&self, side: Side) -> Result<u8> {
        let reply = get(self.system, "/metrics").await?;
        let metrics = String::from_utf8_lossy(&reply.body);
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(side.breaker()));
        Ok(value.context("no such metric")?.parse()?)
    }

    /// The status of a service in the gateway's health, and whether the gateway is healthy. It is always ready.
    pub async fn health(&self, side: Side) -> Result<(String, bool)> {
        let ready = get(self.system, "/health/ready").await?;
        ensure!(ready.status == 200, "not ready: {}", ready.status);
        let reply = get(self.system, "/health").await?;
        let status = text(&reply.json()?["services"], side.component())?.to_owned();
        Ok((status, reply.status == 200))
    }
}

/// `done`, or the outcome of an answer that says that a service is not available. Any other answer is wrong.
pub fn outcome_of(side: Side, answer: &Answer) -> Result<String> {
    let body = &answer.body;
    ensure!(answer.status == 200, "{}: {body}", answer.status);
    let Some(code) = answer.code() else {
        answer.data()?;
        return Ok("done".to_owned());
    };
    ensure!(code == "SERVICE_UNAVAILABLE", "{body}");
    let outcome = answer.extension("outcome").and_then(Value::as_str);
    let outcome = outcome.context("no outcome")?;
    match (side, outcome) {
        (_, "none") | (Side::Write, "unknown") => {}
        _ => bail!("{side:?}: {body}"),
    }
    // Without a key, a repeat of a mutation that may have taken effect is not safe.
    let invites = answer.extension("retryAfter").is_some();
    ensure!(invites == (outcome == "none"), "{body}");
    Ok(outcome.to_owned())
}

/// The names of the categories in the log, one for each time that one was created.
pub async fn categories(system: &Linked) -> Result<Vec<String>> {
    let mut database = Database::events(&system.store).await?;
    let events = database.page(0).await?;
    database.close().await?;
    let created = events
        .iter()
        .filter(|event| event.event_type == "CategoryCreated");
    created
        .map(|event| Ok(text(&event.data, "name")?.to_owned()))
        .collect()
}

async fn get(system: &Linked, path: &str) -> Result<Reply> {
    let mut connection = Connection::open(system.gateway).await?;
    connection.send(&Request::get(path)).await
}
