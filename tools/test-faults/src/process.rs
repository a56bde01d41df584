//! Runs a test in a separate process.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::control::Faults;

/// Runs `body` in a separate process with a disk that can be made to fail. `test` is the name of the calling test, as
/// the test binary lists it.
///
/// # Errors
/// Those of `body`, or the process cannot be started.
pub fn with_faults(test: &str, body: impl AsyncFnOnce(&Faults) -> Result<()>) -> Result<()> {
    if let Some(faults) = Faults::inherited() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        return runtime.block_on(body(&faults));
    }
    let faults = Faults::create()?;
    let output = Command::new(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture"])
        .envs(faults.variables())
        .output()
        .context("start the test again")?;
    let output_text = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    print!("{output_text}");
    eprint!("{log}");
    ensure!(
        output.status.success(),
        "it failed with the preloaded library"
    );
    // With a wrong name no test would run, and the process would succeed.
    ensure!(output_text.contains("1 passed"), "there is no test {test}");
    println!("{:?}", faults.fired()?);
    Ok(())
}
