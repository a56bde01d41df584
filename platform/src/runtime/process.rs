//! A binary's `main`.

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{StartError, Tasks};
use crate::telemetry::Metrics;

/// How often histograms are folded between scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Runs a binary to its exit code. A failed start is one line on standard error.
pub fn run(main: impl Future<Output = Result<(), StartError>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StartError::failed("start the runtime", error));
    match runtime.and_then(|runtime| runtime.block_on(main)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            error.exit_code()
        }
    }
}

/// Waits until the process is asked to stop by SIGINT or SIGTERM, or one of `services` stops by a fault. A second
/// signal ends the process at once.
///
/// # Errors
/// Signals cannot be received, or a task failed.
pub async fn stop_asked(services: &[&Tasks]) -> Result<(), StartError> {
    let listen =
        |kind| signal(kind).map_err(|error| StartError::failed("listen for signals", error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
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
        _ = interrupt.recv() => tracing::info!("stopping: interrupted"),
        _ = terminate.recv() => tracing::info!("stopping: asked to terminate"),
        () = any_fault => {}
    }
    tokio::spawn(exit_on_second(interrupt, terminate));
    match services.iter().find_map(|tasks| tasks.fault()) {
        Some(task) => Err(StartError::failed(
            "run",
            format!("the task {task} ended too early"),
        )),
        None => Ok(()),
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
    let stopping = tasks.stopping();
    tasks.spawn("metrics upkeep", async move {
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(UPKEEP) => metrics.upkeep(),
            }
        }
    });
}
