//! Orders while everything breaks: no money, stock or shipment is lost, doubled or left behind.
//!
//! Buyers order few pieces of a few products, change their minds and ask twice; the payment provider declines three
//! in ten, both providers stay silent after doing their work, fail for now, and get calls twice. Meanwhile processes
//! are killed or stopped and continued, and PostgreSQL crashes. Afterwards the log itself, the read models, the
//! providers' book and what the buyers were told must agree.
//!
//! `E2E_LONG=1` runs many more faults.

mod buyers;
mod chance;
mod report;
mod run;

use std::time::Duration;

use anyhow::Result;

use crate::support::Topology;
use run::{Fault, faults};

/// How long work may take to go on behind a fault: longer than any lease of a request or a saga, and any call.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);
/// Rounds of the short version and of the long one.
const ROUNDS: (usize, usize) = (5, 100);

#[tokio::test]
async fn nothing_is_lost_when_the_shop_is_killed_on_sqlite() -> Result<()> {
    faults(Topology::OneProcess, &[Fault::Kill { index: 0 }], ROUNDS).await
}

#[tokio::test]
async fn nothing_is_lost_when_the_write_side_is_killed_on_postgres() -> Result<()> {
    let kinds = [Fault::Kill { index: 0 }];
    faults(Topology::THREE_PROCESSES, &kinds, ROUNDS).await
}

#[tokio::test]
async fn nothing_is_lost_with_zombies_and_a_database_that_crashes() -> Result<()> {
    let kinds = [
        Fault::Zombie { index: 0 },
        Fault::DatabaseCrash,
        Fault::Kill { index: 1 },
        Fault::Zombie { index: 1 },
        Fault::DatabaseCrash,
        Fault::Kill { index: 0 },
    ];
    faults(Topology::OnOwnServer { each: 2 }, &kinds, (6, 102)).await
}
