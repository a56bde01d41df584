//! Thousands of slow, silent or half-open connections, next to normal clients.
//!
//! Each attacker does what a single client can do: it connects and sends nothing, half a head, a head without its body, one
//! byte of the body a second, half of an HTTP/2 handshake, or meaningless frames. A connection that is closed is opened
//! again. Meanwhile buyers order, readers read, with their own connections, and health is checked.
//!
//! `E2E_LONG=1` runs longer.

mod attackers;
mod load;
mod process;
mod run;

use std::time::Duration;

use anyhow::Result;

use crate::support::long;
use run::{Plan, run};

/// The duration of the short version: longer than the timeout for a client's request.
const LONGER_THAN_A_REQUEST: Duration = Duration::from_secs(35);
/// The same for the run in which most connections are closed within a second, because they exceed the limit.
const LONGER_THAN_A_HEAD: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_mins(5);

fn lasts(short: Duration) -> Duration {
    if long() { LONG } else { short }
}

#[tokio::test]
async fn five_thousand_slow_connections_do_not_affect_other_clients() -> Result<()> {
    run(&Plan {
        descriptors: None,
        attackers: 5_000,
        lasts: lasts(LONGER_THAN_A_REQUEST),
        newcomers_are_served: true,
    })
    .await
}

/// Each of the five listeners then accepts 115 connections, which leaves enough descriptors for the shop itself.
#[tokio::test]
async fn with_1024_descriptors_existing_connections_are_served_and_health_answers() -> Result<()> {
    run(&Plan {
        descriptors: Some(1_024),
        attackers: 1_100,
        lasts: lasts(LONGER_THAN_A_HEAD),
        newcomers_are_served: false,
    })
    .await
}
