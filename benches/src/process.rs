//! The resources of a process, as the operating system counts them.

use anyhow::{Context, Result};
use test_shop::Process;

/// Resident memory.
pub fn resident_bytes(process: &Process) -> Result<f64> {
    let path = format!("/proc/{}/status", process.id());
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .context("no VmRSS")?;
    Ok(kibibytes.trim().parse::<f64>()? * 1_024.0)
}

/// The CPU time of its threads.
pub fn cpu_seconds(process: &Process) -> Result<f64> {
    let folder = format!("/proc/{}/task", process.id());
    let mut nanoseconds = 0.0;
    for thread in std::fs::read_dir(&folder).with_context(|| format!("cannot read {folder}"))? {
        let path = thread?.path().join("schedstat");
        // A thread may end between the listing and the read.
        if let Ok(text) = std::fs::read_to_string(&path) {
            let running = text.split(' ').next().context("an empty schedstat")?;
            nanoseconds += running.parse::<f64>()?;
        }
    }
    Ok(nanoseconds / 1e9)
}
