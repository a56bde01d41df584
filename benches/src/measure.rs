//! The closed loop: each client sends its next operation when the one before is answered.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const WARM_UP: Duration = Duration::from_secs(1);
/// A measurement with fewer operations says nothing.
const MIN_OPERATIONS: u64 = 20;

/// One client.
pub trait Client: Send + 'static {
    /// Does one operation and says how many it counts for.
    fn operate(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// What a measurement gave.
#[derive(Clone, Debug)]
pub struct Figures {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub operations: u64,
}

/// What one client saw.
#[derive(Debug, Default)]
struct Seen {
    operations: u64,
    latencies_ns: Vec<u64>,
}

/// Runs the clients side by side and measures after the warm-up.
///
/// # Errors
/// If any operation fails, or too few are done: a figure of a run that did nothing is none.
pub async fn closed_loop<C: Client>(clients: Vec<C>, duration: Duration) -> Result<Figures> {
    let gate = Arc::new(Barrier::new(clients.len()));
    let mut running = JoinSet::new();
    for client in clients {
        running.spawn(one_client(client, Arc::clone(&gate), duration));
    }
    let mut all = Seen::default();
    while let Some(seen) = running.join_next().await {
        let seen = seen??;
        all.operations += seen.operations;
        all.latencies_ns.extend(seen.latencies_ns);
    }
    figures(all, duration)
}

async fn one_client<C: Client>(
    mut client: C,
    gate: Arc<Barrier>,
    duration: Duration,
) -> Result<Seen> {
    gate.wait().await;
    let begin = Instant::now() + WARM_UP;
    let end = begin + duration;
    let mut seen = Seen::default();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(seen);
        }
        let count = client.operate().await?;
        let answered = Instant::now();
        if answered >= begin && answered < end {
            seen.operations += count;
            seen.latencies_ns.push(nanos(answered - sent));
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn figures(mut seen: Seen, duration: Duration) -> Result<Figures> {
    if seen.operations < MIN_OPERATIONS {
        bail!("only {} operations in {duration:?}", seen.operations);
    }
    seen.latencies_ns.sort_unstable();
    let quantile = |permille: usize| -> Result<f64> {
        let at = seen.latencies_ns.len() * permille / 1_000;
        let nanos = seen
            .latencies_ns
            .get(at)
            .or(seen.latencies_ns.last())
            .ok_or_else(|| anyhow!("no latencies"))?;
        Ok(count(*nanos) / 1e6)
    };
    Ok(Figures {
        per_second: count(seen.operations) / duration.as_secs_f64(),
        p50_ms: quantile(500)?,
        p99_ms: quantile(990)?,
        operations: seen.operations,
    })
}

/// A count as a number to divide.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
pub fn count(operations: u64) -> f64 {
    operations as f64
}

/// The figures of one single run over many operations.
pub fn once(operations: u64, elapsed: Duration) -> Figures {
    let milliseconds = elapsed.as_secs_f64() * 1_000.0;
    Figures {
        per_second: count(operations) / elapsed.as_secs_f64(),
        p50_ms: milliseconds,
        p99_ms: milliseconds,
        operations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_counts_over_time_and_quantiles() {
        let seen = Seen {
            operations: 1_000,
            latencies_ns: (1..=1_000).rev().map(|n| n * 1_000).collect(),
        };
        let figures = figures(seen, Duration::from_secs(2)).unwrap();
        assert!((figures.per_second - 500.0).abs() < 1e-9);
        assert!((figures.p50_ms - 0.501).abs() < 1e-9);
        assert!((figures.p99_ms - 0.991).abs() < 1e-9);
    }

    #[test]
    fn a_run_that_did_nothing_has_no_figures() {
        assert!(figures(Seen::default(), Duration::from_secs(1)).is_err());
    }
}
