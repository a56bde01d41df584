//! The programs that control the engine, and the names in `docker-compose.yml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

pub const DATABASES: [&str; 3] = ["event-store", "command-database", "query-database"];
pub const SERVICES: [&str; 3] = ["command-service", "query-service", "client-service"];

/// The folder of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program in the folder of the repository to its end, and returns what it printed.
pub async fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        // The builder of today: it builds no stage that the target does not use. Compose 1.29 would take the old one.
        .envs([("DOCKER_BUILDKIT", "1"), ("COMPOSE_DOCKER_CLI_BUILD", "1")])
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| format!("run {program}: e2e/compose/run says what is needed"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "{program} {}: {}\n{printed}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(printed)
}
