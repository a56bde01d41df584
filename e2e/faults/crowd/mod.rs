//! Thousands of clients that are slow, silent or half open, next to those who want something.
//!
//! None of the attackers does anything that a single client could not do: they connect and send nothing, half a head, a
//! head without its body, a byte of it a second, half of an HTTP/2 connection, or frames that mean nothing. What ends is
//! begun again at once. Meanwhile buyers order and readers read, with connections of their own, and health is asked.
//!
//! `E2E_LONG=1` lasts longer.

mod attackers;
mod load;
mod process;
mod run;

use std::time::Duration;

use anyhow::Result;

use crate::support::long;
use run::{Plan, run};

/// How long the short version lasts: longer than a client's time for a request.
const LONGER_THAN_A_REQUEST: Duration = Duration::from_secs(35);
/// The same where most connections end within a second, being over the limit.
const LONGER_THAN_A_HEAD: Duration = Duration::from_secs(15);
const LONG: Duration = Duration::from_mins(5);

fn lasts(short: Duration) -> Duration {
    if long() { LONG } else { short }
}

#[tokio::test]
async fn five_thousand_slow_connections_hinder_nobody() -> Result<()> {
    run(&Plan {
        descriptors: None,
        attackers: 5_000,
        lasts: lasts(LONGER_THAN_A_REQUEST),
        newcomers_are_served: true,
    })
    .await
}

/// Each of the shop's five listeners takes 115 connections then, and leaves the shop enough to work with.
#[tokio::test]
async fn with_1024_descriptors_those_who_are_there_are_served_and_health_answers() -> Result<()> {
    run(&Plan {
        descriptors: Some(1_024),
        attackers: 1_100,
        lasts: lasts(LONGER_THAN_A_HEAD),
        newcomers_are_served: false,
    })
    .await
}
