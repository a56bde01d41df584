//! Connections that break at each point of a keyed mutation.
//!
//! Between all that talk to each other is a proxy that counts bytes. A run sends a mutation under a key, breaks one of
//! the links after so many bytes one way, and asks under the key again. Whatever the first answer was, it must be true,
//! the repeats must come to one answer, and the log must have the mutation once.

mod link;
mod run;
mod sweep;
mod system;

use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use self::run::Run;
use self::sweep::sweep;
use self::system::Linked;
use crate::support::{Audit, Books, SagaCount, long, say};

/// How many places are cut on each link each way, in the short version and in the long one.
const PLACES: (u64, u64) = (3, 60);
/// How many cuts of each link stay until the first answer.
const STAYING: (u64, u64) = (1, 6);
const SETTLES_WITHIN: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_key_comes_to_one_answer_wherever_a_connection_breaks() -> Result<()> {
    let begin = Instant::now();
    let system = Linked::start().await?;
    let cut = cut_everywhere(&system).await;
    if cut.is_err() {
        eprintln!("{}", system.logs());
    }
    say(&format!(
        "cut connections: {} after {:.0?}",
        cut?,
        begin.elapsed()
    ));
    system.stop().await
}

/// What was done, and what came of it.
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
    SagaCount::all_ended(&system.store, SETTLES_WITHIN).await?;
    let mut audit = Audit::of(&system.store).await?;
    audit.check_ends(&Books::of(&system.store).await?);
    audit.verdict()?;
    Ok(format!("{counts}"))
}
