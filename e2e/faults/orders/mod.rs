//! Orders under faults: no money, stock or shipment is lost, duplicated or leaked.
//!
//! Buyers order a few pieces of a few products, cancel, and repeat requests; the payment provider declines three in ten;
//! both providers time out after taking effect, fail transiently, and receive calls twice. Meanwhile processes are killed,
//! or stopped and continued, and PostgreSQL crashes. Afterwards the log, the read models, the providers' ledger and the
//! answers that the buyers got must agree.
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

/// The timeout for work to resume after a fault: longer than any lease of a request or saga, and any call.
const WAIT_TIMEOUT: Duration = Duration::from_mins(2);
/// The number of faults in the short and the long version.
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
