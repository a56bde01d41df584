//! The process around a service: runtime, signals and periodic tasks.

use std::process::ExitCode;
use std::time::Duration;

use futures::future::{BoxFuture, LocalBoxFuture};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{StartError, Tasks, descriptors};
use crate::telemetry::{self, Metrics};

/// The interval of metrics upkeep between scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Runs a binary's `main` and returns the exit code. A failed start prints one line on standard error, or one per
/// invalid setting.
pub fn run(main: impl Future<Output = Result<(), StartError>>) -> ExitCode {
    run_boxed(Box::pin(main))
}

/// Boxed, so that the runtime is compiled once here and not in each binary.
fn run_boxed(main: LocalBoxFuture<'_, Result<(), StartError>>) -> ExitCode {
    descriptors::raise_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::failed("start the runtime", error));
    let ended = runtime.and_then(|runtime| {
        let ended = runtime.block_on(main);
        // Before the runtime ends: the exporter's connections are its tasks.
        telemetry::flush();
        ended
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            error.print();
            error.exit_code()
        }
    }
}

/// SIGINT and SIGTERM. Their default action kills the process until a handler is installed, so handlers must be
/// installed before the process reports that it is up: a stop that is requested right afterwards is then a clean one.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    /// Installs the handlers.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn listen() -> Result<Self, StartError> {
        let listen =
            |kind| signal(kind).map_err(|error| StartError::failed("listen for signals", error));
        // SIGHUP only reads certificates again: without this it would end a process that has none.
        drop(listen(SignalKind::hangup())?);
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Runs a step of the start. If a signal arrives first, the step is cancelled and `None` is returned. A start may
    /// wait for a database, but not after a stop was requested.
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
            tracing::info!("stopped before the start was complete");
            None
        })
    }

    /// Waits until a signal arrives, or until one of `services` stops because of a fault. After that another signal
    /// exits the process immediately. After a signal the services report for `delay` that they are not ready, and serve as
    /// before; the caller stops them when this returns.
    ///
    /// # Errors
    /// A task failed.
    #[must_use]
    pub fn stop_requested<'s>(
        self,
        services: &'s [&'s Tasks],
        delay: Duration,
    ) -> BoxFuture<'s, Result<(), StartError>> {
        Box::pin(self.asked_now(services, delay))
    }

    async fn asked_now(mut self, services: &[&Tasks], delay: Duration) -> Result<(), StartError> {
        tokio::select! {
            _ = self.interrupt.recv() => tracing::info!("stopping: received SIGINT"),
            _ = self.terminate.recv() => tracing::info!("stopping: received SIGTERM"),
            () = any_fault(services) => {}
        }
        // Before the delay and the caller's drain, which may take until its timeout.
        tokio::spawn(exit_on_second(self.interrupt, self.terminate));
        for tasks in services {
            tasks.announce_stop();
        }
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = any_fault(services) => {}
        }
        match services.iter().find_map(|tasks| tasks.fault()) {
            Some(task) => Err(StartError::failed(
                "run",
                format!("the task {task} ended unexpectedly"),
            )),
            None => Ok(()),
        }
    }
}

/// Waits until one of `services` stops by itself.
async fn any_fault(services: &[&Tasks]) {
    if services.is_empty() {
        std::future::pending::<()>().await;
    }
    let stopping = services.iter().map(|tasks| tasks.stopping());
    let faults = stopping.map(|stopping| Box::pin(stopping.cancelled_owned()));
    futures::future::select_all(faults).await;
}

async fn exit_on_second(mut interrupt: Signal, mut terminate: Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    eprintln!("stopped immediately by a second signal");
    std::process::exit(1);
}

/// Periodically folds collected histograms until `tasks` stop, which bounds their memory.
pub fn upkeep(metrics: Metrics, tasks: &Tasks) {
    repeat("metrics upkeep", tasks, move || metrics.upkeep());
}

/// Calls `action` periodically until `tasks` stop: for metrics that must be polled.
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
                () = tokio::time::sleep(UPKEEP_INTERVAL) => {}
            }
        }
    });
}
