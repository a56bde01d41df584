//! The closed loop: each client sends its next operation after the result of the previous one.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

pub const WARM_UP: Duration = Duration::from_secs(1);
/// A measurement with fewer operations is not significant.
const MIN_OPERATIONS: u64 = 5;

pub trait Client: Send + 'static {
    /// Performs one operation and returns the number that it counts as.
    fn operate(&mut self) -> impl Future<Output = Result<u64>> + Send;
}

/// The result of a measurement.
#[derive(Clone, Debug)]
pub struct Statistics {
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub operations: u64,
}

/// The latencies of operations.
#[derive(Debug, Default)]
pub struct Latencies {
    operations: u64,
    nanos: Vec<u64>,
}

impl Latencies {
    /// Adds one result that counts as `operations` operations.
    pub fn add(&mut self, operations: u64, latency: Duration) {
        self.operations += operations;
        let nanos = u64::try_from(latency.as_nanos());
        self.nanos.push(nanos.unwrap_or(u64::MAX));
    }

    pub fn extend(&mut self, other: Self) {
        self.operations += other.operations;
        self.nanos.extend(other.nanos);
    }

    pub fn count(&self) -> u64 {
        self.operations
    }

    /// Computes the rate and the quantiles.
    ///
    /// # Errors
    /// If there are too few operations for a significant result.
    pub fn figures(mut self, duration: Duration) -> Result<Statistics> {
        if self.operations < MIN_OPERATIONS {
            bail!("only {} operations in {duration:?}", self.operations);
        }
        self.nanos.sort_unstable();
        let quantile = |permille: usize| -> f64 {
            let at = self.nanos.len() * permille / 1_000;
            let nanos = self.nanos.get(at).or(self.nanos.last());
            nanos.map_or(0.0, |nanos| count(*nanos) / 1e6)
        };
        Ok(Statistics {
            per_second: count(self.operations) / duration.as_secs_f64(),
            p50_ms: quantile(500),
            p99_ms: quantile(990),
            operations: self.operations,
        })
    }
}

/// Runs the clients concurrently and measures after the warm-up.
///
/// # Errors
/// If an operation fails, or there are too few for a significant result.
pub async fn closed_loop<C: Client>(clients: Vec<C>, duration: Duration) -> Result<Statistics> {
    let barrier = Arc::new(Barrier::new(clients.len()));
    let mut running = JoinSet::new();
    for client in clients {
        running.spawn(one_client(client, Arc::clone(&barrier), duration));
    }
    let mut all = Latencies::default();
    while let Some(latencies) = running.join_next().await {
        all.extend(latencies??);
    }
    all.figures(duration)
}

async fn one_client<C: Client>(
    mut client: C,
    barrier: Arc<Barrier>,
    duration: Duration,
) -> Result<Latencies> {
    barrier.wait().await;
    let start = Instant::now() + WARM_UP;
    let end = start + duration;
    let mut latencies = Latencies::default();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return Ok(latencies);
        }
        let operations = client.operate().await?;
        let answered = Instant::now();
        if answered >= start && answered < end {
            latencies.add(operations, answered - sent);
        }
    }
}

/// Converts a count for a division.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a bench are far below 2^52"
)]
pub fn count(operations: u64) -> f64 {
    operations as f64
}

/// The figures of a single run over many operations.
pub fn once(operations: u64, elapsed: Duration) -> Statistics {
    let milliseconds = elapsed.as_secs_f64() * 1_000.0;
    Statistics {
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
        let mut latencies = Latencies::default();
        for micros in (1..=1_000).rev() {
            latencies.add(1, Duration::from_micros(micros));
        }
        let figures = latencies.figures(Duration::from_secs(2)).unwrap();
        assert!((figures.per_second - 500.0).abs() < 1e-9);
        assert!((figures.p50_ms - 0.501).abs() < 1e-9);
        assert!((figures.p99_ms - 0.991).abs() < 1e-9);
    }

    #[test]
    fn a_run_without_operations_has_no_figures() {
        let nothing = Latencies::default();
        assert!(nothing.figures(Duration::from_secs(1)).is_err());
    }
}
