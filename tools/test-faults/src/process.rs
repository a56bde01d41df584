//! A test in a process of its own.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::control::Faults;

/// Runs `body` in a process of its own whose disk fails on command. `test` is the name of the test that calls this, as
/// the test binary lists it.
///
/// # Errors
/// Those of `body`, and what prevents it from running.
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
    let told = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    print!("{told}");
    eprint!("{log}");
    ensure!(
        output.status.success(),
        "it failed with the preloaded library"
    );
    // A name that is not a test's would pass by doing nothing.
    ensure!(told.contains("1 passed"), "there is no test {test}");
    println!("{:?}", faults.fired()?);
    Ok(())
}
