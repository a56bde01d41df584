//! Clients that leave before they get an answer.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use test_shop::Operation;
use tokio::time::timeout;

use super::clients::{Clients, Side, create};
use super::on_services;
use crate::support::report;

const LEAVING: usize = 300;
/// Each piece of data takes longer than clients wait, so that they leave while the gateway's calls are on their way.
const DELAY: Duration = Duration::from_millis(20);
const LEAVE_TIMEOUT: Duration = Duration::from_millis(5);

#[tokio::test]
async fn calls_of_clients_that_left_do_not_break_later_ones() -> Result<()> {
    on_services(&[], async |system| {
        let mut clients = Clients::new(system);
        for side in [Side::Write, Side::Read] {
            side.link(system)?.slow_down(DELAY);
        }
        let mut left = 0;
        for number in 0..LEAVING {
            let operation = if number % 2 == 0 {
                create(&format!("Left {number}"))
            } else {
                Operation::new("{ categories { id } }")
            };
            let answer = timeout(LEAVE_TIMEOUT, operation.send(system.gateway)).await;
            left += usize::from(answer.is_err());
        }
        ensure!(left * 2 > LEAVING, "only {left} clients left");
        for side in [Side::Write, Side::Read] {
            side.link(system)?.mend();
            for _ in 0..10 {
                let answered = clients.succeed(side).await;
                answered.with_context(|| format!("after {left} clients left"))?;
            }
            ensure!(clients.breaker(side).await? == 0, "calls are suspended");
        }
        report(&format!("{left} of {LEAVING} clients left"));
        clients.reports_are_true().await
    })
    .await
}
