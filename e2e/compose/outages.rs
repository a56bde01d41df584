//! Killed containers and cut networks: what was acknowledged stays, the answers are honest meanwhile, and all recovers by itself.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use contract::proto::AdminStatusParam;
use contract::proto::admin_client::AdminClient;
use serde_json::{Value, json};
use test_shop::{Answer, Connection, Operation, Reply, Request, until_within};
use tonic::transport::Endpoint;

use super::docker::{DATABASES, SERVICES};
use super::stack::{COMMAND_GRPC, GATEWAY, Stack};
use crate::faults::{Counts, Load, compare, everything_at};
use crate::support::report;

const WRITERS: usize = 8;
/// Acknowledged operations before each kill, and after the last one.
const BETWEEN: u64 = 30;
/// Includes the pauses between attempts of the services.
const RECOVERY_TIMEOUT: Duration = Duration::from_mins(1);
const CREATE: &str = "mutation($name: String!) { createCategory(input: { name: $name }) { id } }";
const COUNT: &str = "{ categoryStatistics { totalCount } }";

/// Nothing acknowledged is lost when each container is killed under load.
pub async fn survives_kills(stack: &Stack) -> Result<()> {
    let load = Load::start(&[GATEWAY], WRITERS);
    for service in DATABASES.iter().chain(&SERVICES) {
        load.wait_for_more(BETWEEN).await?;
        stack.kill(service).await?;
        is_healthy().await?;
    }
    load.wait_for_more(BETWEEN).await?;
    let operations = load.finish().await?;
    let counts = Counts::of(&operations);
    report(&format!(
        "killed containers: {} ok, {} failed, {} unknown",
        counts.ok, counts.failed, counts.unknown
    ));
    let channel = Endpoint::from_static(COMMAND_GRPC).connect().await?;
    let mut admin = AdminClient::new(channel);
    let head = admin.status(AdminStatusParam {}).await?.into_inner().head;
    compare(&operations, &everything_at(GATEWAY, head).await?)
}

/// A container that is taken off a network.
struct Cut {
    service: &'static str,
    network: &'static str,
    writes: bool,
    reads: bool,
    /// What the gateway's health reports of the cut.
    component: &'static str,
}

const CUTS: [Cut; 5] = [
    Cut {
        service: "command-service",
        network: "services",
        writes: false,
        reads: true,
        component: "command_service",
    },
    Cut {
        service: "query-service",
        network: "services",
        writes: true,
        reads: false,
        component: "query_service",
    },
    Cut {
        service: "command-service",
        network: "event-store",
        writes: false,
        reads: true,
        component: "command_service",
    },
    Cut {
        service: "query-service",
        network: "query-database",
        writes: true,
        reads: false,
        component: "query_service",
    },
    Cut {
        service: "event-store",
        network: "event-store",
        writes: false,
        reads: true,
        component: "command_service",
    },
];

/// While a network is cut the answers are honest, and all recovers once it is there again.
pub async fn survives_cuts(stack: &Stack) -> Result<()> {
    is_healthy().await?;
    for (number, cut) in CUTS.iter().enumerate() {
        cut.happens(stack, number)
            .await
            .with_context(|| format!("{} without the network {}", cut.service, cut.network))?;
    }
    Ok(())
}

impl Cut {
    async fn happens(&self, stack: &Stack, number: usize) -> Result<()> {
        let count = count_after(&format!("Before {number}")).await?;
        stack.disconnect(self.service, self.network).await?;
        until_within(RECOVERY_TIMEOUT, "the outage is reported", async || {
            let health = health().await?;
            ensure!(health.status == 503, "/health answers {}", health.status);
            let reported = health.json()?;
            let state = reported.pointer(&format!("/services/{}", self.component));
            ensure!(
                state.is_some_and(|state| state != "serving"),
                "/health does not name {}: {reported}",
                self.component
            );
            Ok(())
        })
        .await?;
        let during = format!("During {number}");
        let write = creation(&during).send(GATEWAY).await?;
        let outcome = is_honest(&write, self.writes)?;
        is_honest(&Operation::new(COUNT).send(GATEWAY).await?, self.reads)?;
        stack.connect(self.service, self.network).await?;
        is_healthy().await?;
        let written = count_after(&format!("After {number}")).await? - count - 1;
        let is_right = match outcome.as_str() {
            "done" => written == 1,
            "none" => written == 0,
            _ => (0..=1).contains(&written),
        };
        ensure!(
            is_right,
            "the outcome was {outcome}, and {written} are there"
        );
        report(&format!(
            "{} without the network {}: the command's outcome was {outcome}",
            self.service, self.network
        ));
        Ok(())
    }
}

fn creation(name: &str) -> Operation {
    Operation::new(CREATE).with(json!({ "name": name }))
}

/// Creates a category, and returns the number of categories then. The command has a key, as its first attempts may take effect although
/// they are not answered.
async fn count_after(name: &str) -> Result<i64> {
    let creation = creation(name).with_header("Idempotency-Key", name);
    let made = until_within(RECOVERY_TIMEOUT, "a command succeeds", async || {
        let answer = creation.send(GATEWAY).await?;
        answer.data()?;
        answer.position.context("no position")
    })
    .await?;
    let counting = Operation::new(COUNT).with_header("X-Min-Position", &made);
    let data = until_within(RECOVERY_TIMEOUT, "a read of it", async || {
        counting.data(GATEWAY).await
    })
    .await?;
    let count = data.pointer("/categoryStatistics/totalCount");
    let count = count.and_then(Value::as_i64);
    count.with_context(|| format!("no count in {data}"))
}

/// An answer is complete where it can be, else it says that the service is not available, and what became of a command.
fn is_honest(answer: &Answer, is_possible: bool) -> Result<String> {
    if is_possible {
        answer.data()?;
        return Ok("done".to_owned());
    }
    ensure!(
        answer.code() == Some("SERVICE_UNAVAILABLE"),
        "it is {:?}: {}",
        answer.code(),
        answer.body
    );
    let outcome = answer.extension("outcome").and_then(Value::as_str);
    let outcome = outcome.with_context(|| format!("no outcome: {}", answer.body))?;
    ensure!(
        matches!(outcome, "none" | "unknown"),
        "the outcome is {outcome}"
    );
    Ok(outcome.to_owned())
}

async fn health() -> Result<Reply> {
    Connection::open(GATEWAY)
        .await?
        .send(&Request::get("/health"))
        .await
}

async fn is_healthy() -> Result<()> {
    until_within(
        RECOVERY_TIMEOUT,
        "the gateway's /health is 200",
        async || {
            let health = health().await?;
            ensure!(
                health.status == 200,
                "{}",
                String::from_utf8_lossy(&health.body)
            );
            Ok(())
        },
    )
    .await
}
