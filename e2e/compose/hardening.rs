//! What the containers may do, read off their processes.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result, ensure};

use super::docker::{DATABASES, SERVICES};
use super::stack::Stack;

/// The lines of `/proc/PID/status` with sets of capabilities: what a process may do, and could come to be allowed.
const CAPABILITIES: [&str; 4] = ["CapInh", "CapPrm", "CapEff", "CapBnd"];

/// No container has privileges of root, a writable root file system, a port for other machines, or no limits.
pub async fn is_confined(stack: &Stack) -> Result<()> {
    for service in DATABASES.iter().chain(&SERVICES) {
        process_is_confined(stack, service)
            .await
            .with_context(|| (*service).to_owned())?;
    }
    Ok(())
}

async fn process_is_confined(stack: &Stack, service: &str) -> Result<()> {
    let process = stack.process(service).await?.as_raw_nonzero();
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = |name: &str| {
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.with_context(|| format!("no {name} in the status of its process"))
    };
    for ids in [value("Uid")?, value("Gid")?, value("Groups")?] {
        ensure!(
            !ids.split_whitespace().any(|id| id == "0"),
            "it has the id of root: {ids}"
        );
    }
    for name in CAPABILITIES {
        let set = value(name)?.trim();
        ensure!(set.chars().all(|digit| digit == '0'), "{name} is {set}");
    }
    ensure!(value("NoNewPrivs")?.trim() == "1", "it may gain privileges");
    // Root itself is refused, so the file system is read-only and not only protected from the process.
    for folder in ["", "/etc"] {
        match fs::write(format!("/proc/{process}/root{folder}/written"), "") {
            Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => {}
            other => anyhow::bail!("writing into {folder}/ was not refused: {other:?}"),
        }
    }
    let published =
        "{{range $port, $at := .NetworkSettings.Ports}}{{range $at}}{{.HostIp}} {{end}}{{end}}";
    let published = stack.inspect(service, published).await?;
    ensure!(
        !published.is_empty() && published.split(' ').all(|address| address == "127.0.0.1"),
        "its ports are published on {published:?}"
    );
    let limits = "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}} {{.HostConfig.PidsLimit}}";
    let limits = stack.inspect(service, limits).await?;
    ensure!(
        !limits.split(' ').any(|limit| limit == "0"),
        "it has no limit: {limits}"
    );
    Ok(())
}
