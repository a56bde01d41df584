//! A binary's `main`.

use std::process::ExitCode;
use std::time::Duration;

use futures::future::{BoxFuture, LocalBoxFuture};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{StartError, Tasks, descriptors};
use crate::telemetry::Metrics;

/// How often metrics are looked after between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Runs a binary to its exit code. A failed start is one line on standard error, or one for each setting that is wrong.
pub fn run(main: impl Future<Output = Result<(), StartError>>) -> ExitCode {
    run_boxed(Box::pin(main))
}

/// Boxed, so that the runtime is compiled here and not in each binary.
fn run_boxed(main: LocalBoxFuture<'_, Result<(), StartError>>) -> ExitCode {
    descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::failed("start the runtime", error));
    match runtime.and_then(|runtime| runtime.block_on(main)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}

/// SIGINT and SIGTERM, which end the process by themselves until somebody listens. Who tells the world that the
/// process is there listens before, so that whoever asks it to stop is heard.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Keeps them from now on.
    ///
    /// # Errors
    /// Signals cannot be received.
    pub fn listen() -> Result<Self, StartError> {
        let listen =
            |kind| signal(kind).map_err(|error| StartError::failed("listen for signals", error));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Runs a step of the start, unless one comes before it is done: then nothing, and the step is dropped. A start may
    /// wait for a database, and must not wait for one when it is asked to stop.
    pub fn unless_asked<'s, T>(
        &'s mut self,
        starting: impl Future<Output = T> + 's,
    ) -> LocalBoxFuture<'s, Option<T>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                _ = self.interrupt.recv() => {}
                _ = self.terminate.recv() => {}
                started = starting => return Some(started),
            }
            tracing::info!("stopped before it had started");
            None
        })
    }

    /// Waits until one has come, or one of `services` stops by a fault. A second signal ends the process at once.
    ///
    /// # Errors
    /// A task failed.
    #[must_use]
    pub fn stop_requested<'s>(
        self,
        services: &'s [&'s Tasks],
    ) -> BoxFuture<'s, Result<(), StartError>> {
        Box::pin(self.asked_now(services))
    }

    async fn asked_now(mut self, services: &[&Tasks]) -> Result<(), StartError> {
        let faults = services.iter().map(|tasks| {
            let stopping = tasks.stopping();
            Box::pin(async move { stopping.cancelled().await })
        });
        let any_fault = async {
            if services.is_empty() {
                std::future::pending::<()>().await;
            }
            futures::future::select_all(faults).await;
        };
        tokio::select! {
            _ = self.interrupt.recv() => tracing::info!("stopping: interrupted"),
            _ = self.terminate.recv() => tracing::info!("stopping: asked to terminate"),
            () = any_fault => {}
        }
        tokio::spawn(exit_on_second(self.interrupt, self.terminate));
        match services.iter().find_map(|tasks| tasks.fault()) {
            Some(task) => Err(StartError::failed(
                "run",
                format!("the task {task} ended too early"),
            )),
            None => Ok(()),
        }
    }
}

async fn exit_on_second(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("stopped at once by a second signal");
    std::process::exit(1);
}

/// Keeps the metrics small until `tasks` stop.
pub fn upkeep(metrics: Metrics, tasks: &Tasks) {
    repeat("metrics upkeep", tasks, move || metrics.upkeep());
}

/// Calls `action` now and then until `tasks` stop: for metrics that somebody has to look at.
pub fn repeat(name: &'static str, tasks: &Tasks, action: impl Fn() + Send + 'static) {
    repeat_boxed(name, tasks, Box::new(action));
}

fn repeat_boxed(name: &'static str, tasks: &Tasks, action: Box<dyn Fn() + Send>) {
    let stopping = tasks.stopping();
    tasks.spawn(name, async move {
        loop {
            action();
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(UPKEEP) => {}
            }
        }
    });
}
