//! Connections are cut at each point of a mutation with a key.
//!
//! All connections between processes pass a proxy that counts bytes. A run sends a mutation under a key, cuts one of the
//! links after a number of bytes in one direction, and repeats the request. The outcome in the first answer must be true,
//! all repeats must get the same answer, and the log must contain the mutation once.

mod run;
mod sweep;

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use self::run::Run;
use self::sweep::sweep;
use super::linked::Linked;
use crate::support::{Audit, LedgerSums, SagaCount, long, report};

/// The number of places at which each link is cut in each direction, in the short and the long version.
const PLACES: (u64, u64) = (3, 60);
/// The number of cuts of each link that last until the first answer.
const STAYING: (u64, u64) = (1, 6);
/// Short timeouts, so that a lasting cut is over soon.
const SETTINGS: [(&str, &str); 3] = [
    ("CLIENT_WRITE_TIMEOUT_MS", "2000"),
    ("CLIENT_READ_TIMEOUT_MS", "1500"),
    ("CLIENT_LIST_TIMEOUT_MS", "1500"),
];
const SETTLE_TIMEOUT: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_key_has_one_answer_wherever_a_connection_is_cut() -> Result<()> {
    let start = Instant::now();
    let system = Linked::start(&SETTINGS).await?;
    let cut = cut_everywhere(&system).await;
    if cut.is_err() {
        eprintln!("{}", system.logs());
    }
    report(&format!(
        "cut connections: {} after {:.0?}",
        cut?,
        start.elapsed()
    ));
    system.stop().await
}

/// Cuts all links at all places, and returns a summary.
async fn cut_everywhere(system: &Linked) -> Result<String> {
    let (places, staying) = if long() {
        (PLACES.1, STAYING.1)
    } else {
        (PLACES.0, STAYING.0)
    };
    let mut run = Run::start(system).await?;
    for link in 0..system.links.len() {
        sweep(&mut run, link, places, staying).await?;
    }
    let counts = run.finish().await?;
    counts.floor(system.links.len() as u64, places, staying)?;
    SagaCount::all_ended(&system.store, SETTLE_TIMEOUT).await?;
    let mut audit = Audit::of(&system.store).await?;
    audit.check_ends(&LedgerSums::of(&system.store).await?);
    audit.verdict()?;
    Ok(format!("{counts}"))
}
