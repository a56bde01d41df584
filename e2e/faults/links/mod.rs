//! The connections from the gateway to the two services are refused, freeze, are too slow, or break.
//!
//! For each service and each fault: what clients see, that the other service is called as before, and that the circuit
//! breaker opens, is shown, and closes when the fault is over. Then the exact moments: between a commit and its answer,
//! after a deadline, and after clients have left. And each database is down while everything that does not need it works.

mod answers;
mod clients;
mod databases;
mod leaving;
mod outage;

use anyhow::Result;

use self::clients::Side;
use self::outage::{Fault, outage};
use super::linked::Linked;

/// Short timeouts. The breakers close early, as a service is seen to serve, or not before the next day.
const SETTINGS: [(&str, &str); 6] = [
    ("CLIENT_WRITE_TIMEOUT_MS", "600"),
    ("CLIENT_READ_TIMEOUT_MS", "400"),
    ("CLIENT_LIST_TIMEOUT_MS", "400"),
    ("CLIENT_BREAKER_FAILURES", "3"),
    ("CLIENT_BREAKER_OPEN_MS", "86400000"),
    ("CLIENT_BREAKER_SUCCESSES", "2"),
];

/// Runs a test on three services. If it fails, their logs are printed.
async fn on_services(
    settings: &[(&str, &str)],
    test: impl AsyncFnOnce(&Linked) -> Result<()>,
) -> Result<()> {
    let system = Linked::start(settings).await?;
    let tested = test(&system).await;
    if tested.is_err() {
        eprintln!("{}", system.logs());
    }
    tested?;
    system.stop().await
}

async fn survives(side: Side, fault: Fault) -> Result<()> {
    on_services(&SETTINGS, async |system| outage(system, side, fault).await).await
}

#[tokio::test]
async fn reads_work_while_the_command_service_is_stopped() -> Result<()> {
    survives(Side::Write, Fault::Stopped).await
}

#[tokio::test]
async fn reads_work_while_the_command_service_is_frozen() -> Result<()> {
    survives(Side::Write, Fault::Frozen).await
}

#[tokio::test]
async fn reads_work_while_answers_of_the_command_service_are_lost() -> Result<()> {
    survives(Side::Write, Fault::Silent).await
}

#[tokio::test]
async fn reads_work_while_the_command_service_is_too_slow() -> Result<()> {
    survives(Side::Write, Fault::TooSlow).await
}

#[tokio::test]
async fn commands_work_while_the_query_service_is_stopped() -> Result<()> {
    survives(Side::Read, Fault::Stopped).await
}

#[tokio::test]
async fn commands_work_while_the_query_service_is_frozen() -> Result<()> {
    survives(Side::Read, Fault::Frozen).await
}

#[tokio::test]
async fn commands_work_while_answers_of_the_query_service_are_lost() -> Result<()> {
    survives(Side::Read, Fault::Silent).await
}

#[tokio::test]
async fn commands_work_while_the_query_service_is_too_slow() -> Result<()> {
    survives(Side::Read, Fault::TooSlow).await
}
