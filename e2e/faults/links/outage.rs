//! One service does not answer for a while.

use std::time::Duration;

use anyhow::{Result, ensure};
use test_faults::{Link, Way};
use test_shop::until;

use super::clients::{Clients, Side};
use super::{SETTINGS, on_services};
use crate::faults::linked::Linked;

/// More than it takes until a breaker opens.
const MAX_ROUNDS: usize = 20;
/// Longer than all deadlines.
const TOO_SLOW: Duration = Duration::from_millis(700);
/// An operation has several pieces in each direction, and is still in time.
const SLOW: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Connections are closed and refused.
    Stopped,
    /// Nothing arrives in either direction.
    Frozen,
    /// Calls arrive, and their answers do not.
    Silent,
    TooSlow,
}

impl Fault {
    fn start(self, link: &Link) {
        match self {
            Self::Stopped => link.stop(),
            Self::Frozen => link.freeze(&Way::BOTH),
            Self::Silent => link.freeze(&[Way::Back]),
            Self::TooSlow => link.slow_down(TOO_SLOW),
        }
    }
}

/// The fault of one service's connection, from a healthy system to a healthy system.
pub async fn outage(system: &Linked, side: Side, fault: Fault) -> Result<()> {
    let link = side.link(system)?;
    let mut clients = Clients::new(system);
    recovered(&mut clients, side).await?;
    fault.start(link);
    let mut rounds = 0;
    while clients.breaker(side).await? != 2 {
        rounds += 1;
        ensure!(rounds <= MAX_ROUNDS, "the breaker does not open");
        let successes = clients.ask(side).await?;
        ensure!(successes == 0, "{successes} succeeded");
        clients.succeed(side.other()).await?;
    }
    clients.is_suspended(side).await?;
    until("the outage in the gateway's health", async || {
        let (status, is_healthy) = clients.health(side).await?;
        ensure!(!is_healthy && status == "unreachable", "{status}");
        Ok(())
    })
    .await?;
    clients.succeed(side.other()).await?;
    ensure!(clients.breaker(side.other()).await? == 0, "it answers");
    link.mend();
    recovered(&mut clients, side).await?;
    clients.succeed(side).await?;
    clients.reports_are_true().await
}

/// Waits until a service answers and the gateway shows that it does.
async fn recovered(clients: &mut Clients<'_>, side: Side) -> Result<()> {
    until("a healthy system", async || {
        clients.succeed(side).await?;
        ensure!(clients.breaker(side).await? == 0, "calls are suspended");
        let (status, is_healthy) = clients.health(side).await?;
        ensure!(is_healthy && status == "serving", "{status}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_slow_connection_is_used() -> Result<()> {
    on_services(&SETTINGS, async |system| {
        let mut clients = Clients::new(system);
        for side in [Side::Write, Side::Read] {
            recovered(&mut clients, side).await?;
            side.link(system)?.slow_down(SLOW);
        }
        for side in [Side::Write, Side::Read] {
            for _ in 0..3 {
                clients.succeed(side).await?;
            }
            ensure!(clients.breaker(side).await? == 0, "calls are suspended");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn clients_do_not_notice_that_an_idle_connection_was_reset() -> Result<()> {
    on_services(&SETTINGS, async |system| {
        let mut clients = Clients::new(system);
        for side in [Side::Write, Side::Read] {
            recovered(&mut clients, side).await?;
            for _ in 0..5 {
                side.link(system)?.cut();
                clients.succeed(side).await?;
            }
        }
        clients.reports_are_true().await
    })
    .await
}
