//! Programs in JavaScript: the clients that front ends use.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use test_shop::cache_folder;
use tokio::process::Command;
use tokio::time::timeout;

const SCRIPT_TIMEOUT: Duration = Duration::from_mins(5);

/// A list of packages in `tools/test-node`.
#[derive(Clone, Copy, Debug)]
pub enum Packages {
    /// The clients of the protocols, and Relay's compiler.
    Protocols,
    /// The clients and code generators of front ends.
    FrontEnds,
    /// What drives a browser.
    Browser,
}

/// Runs a program of `e2e/foreign` to its end and returns the number of checks that it printed.
///
/// # Errors
/// There is no Node or npm, or the program failed; the message then has its output.
pub async fn node(packages: Packages, script: &str, arguments: &[&str]) -> Result<u32> {
    node_with(packages, script, arguments, &[]).await
}

/// Like [`node`], with these variables.
///
/// # Errors
/// As [`node`].
pub async fn node_with(
    packages: Packages,
    script: &str,
    arguments: &[&str],
    variables: &[(&str, &str)],
) -> Result<u32> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("foreign")
        .join(script);
    let running = Command::new("node")
        .env("NODE_PATH", packages.install().await?)
        .envs(variables.iter().copied())
        .arg(&script)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let output = timeout(SCRIPT_TIMEOUT, running).await;
    let output = output.context("the program took too long")?;
    let output = output.context("cannot run node: install Node.js 20 or newer")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}{printed}", String::from_utf8_lossy(&output.stderr));
    }
    let checks = printed.split(' ').next();
    let checks = checks.and_then(|count| count.parse().ok());
    checks.with_context(|| format!("{} printed {printed:?}", script.display()))
}

impl Packages {
    /// Installs the packages, if necessary, and returns the path of their `node_modules`.
    async fn install(self) -> Result<String> {
        let list = match self {
            Self::Protocols => None,
            Self::FrontEnds => Some("front-ends"),
            Self::Browser => Some("browser"),
        };
        install("test-node", list).await
    }
}

/// The folder with the files of GraphiQL.
///
/// # Errors
/// There is no Node or npm, or the package cannot be downloaded.
pub async fn graphiql() -> Result<String> {
    install("graphiql", None).await
}

/// Runs `install` of a folder of tools, which prints where it has installed what.
async fn install(tool: &str, list: Option<&str>) -> Result<String> {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools");
    let output = Command::new(tools.join(tool).join("install"))
        .arg(cache_folder()?)
        .args(list)
        .output()
        .await?;
    ensure!(
        output.status.success(),
        "tools/{tool}/install failed; install Node.js with npm:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
