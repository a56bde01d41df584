//! A running stack, and the programs that control it.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use test_shop::until_within;

use super::docker::{DATABASES, SERVICES, root, run};
use super::images;
use crate::support::report;

pub const GATEWAY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 4000);
pub const COMMAND_GRPC: &str = "http://127.0.0.1:50051";

/// The page with the commands.
const README: &str = "README.md";
/// Includes the recovery of a database, two probes, and the pauses of the restart policy.
const HEALTHY_TIMEOUT: Duration = Duration::from_mins(2);

/// The containers of the Compose files.
#[derive(Debug)]
pub struct Stack {
    files: Vec<String>,
}

/// Brings the stack up by the command that the README shows, runs `journey` on it, and takes it down with its data. If the journey
/// fails, the logs are printed.
pub async fn on_stack(journey: impl AsyncFnOnce(&Stack) -> Result<()>) -> Result<()> {
    images::make().await?;
    let stack = Stack::of(&[]);
    let outcome = async {
        stack.compose(&documented("up")?).await?;
        for service in DATABASES.iter().chain(&SERVICES) {
            stack.healthy(service).await?;
        }
        journey(&stack).await
    }
    .await;
    if outcome.is_err() {
        report(&stack.compose(&["ps"]).await?);
        report(&stack.compose(&["logs", "--no-color", "--tail=60"]).await?);
    }
    let down = stack.take_down().await;
    outcome.and(down)
}

/// The arguments of the first command `docker compose … WORD …` in the README.
fn documented(word: &str) -> Result<Vec<String>> {
    let page = std::fs::read_to_string(root().join(README))?;
    let commands = page
        .lines()
        .filter_map(|line| line.strip_prefix("$ docker compose "));
    let mut commands = commands.map(|line| line.split('#').next().unwrap_or(line));
    let command = commands.find(|command| command.split(' ').any(|part| part == word));
    let command = command.with_context(|| format!("{README} has no docker compose {word}"))?;
    Ok(command.split_whitespace().map(str::to_owned).collect())
}

impl Stack {
    /// The containers of these files, of which some run.
    pub fn of(files: &[&str]) -> Self {
        Self {
            files: files.iter().map(|&file| file.to_owned()).collect(),
        }
    }

    /// Runs Compose and returns what it printed.
    pub async fn compose(&self, arguments: &[impl AsRef<str>]) -> Result<String> {
        let mut all: Vec<&str> = Vec::new();
        for file in &self.files {
            all.extend(["--file", file]);
        }
        all.extend(arguments.iter().map(AsRef::as_ref));
        run("docker-compose", &all).await
    }

    /// The id of a service's container.
    pub async fn container(&self, service: &str) -> Result<String> {
        let id = self.compose(&["ps", "--quiet", service]).await?;
        ensure!(!id.trim().is_empty(), "{service} has no container");
        Ok(id.trim().to_owned())
    }

    /// What the engine knows of a service's container, in a template of Go.
    pub async fn inspect(&self, service: &str, template: &str) -> Result<String> {
        let id = self.container(service).await?;
        let shown = run("docker", &["inspect", "--format", template, &id]).await?;
        Ok(shown.trim().to_owned())
    }

    /// The first process of a service's container, as this process sees it.
    pub async fn process(&self, service: &str) -> Result<Pid> {
        let id = self.inspect(service, "{{.State.Pid}}").await?.parse()?;
        Pid::from_raw(id).with_context(|| format!("{service} does not run"))
    }

    /// Waits until the engine's probe of a service passes.
    pub async fn healthy(&self, service: &str) -> Result<()> {
        let what = format!("{service} is healthy");
        until_within(HEALTHY_TIMEOUT, &what, async || {
            let health = self.inspect(service, "{{.State.Health.Status}}").await?;
            ensure!(health == "healthy", "it is {health}");
            Ok(())
        })
        .await
    }

    /// Kills the first process of a service's container, which ends the container, and waits until the engine has started it again.
    pub async fn kill(&self, service: &str) -> Result<()> {
        let killed = self.process(service).await?;
        kill_process(killed, Signal::KILL)?;
        let what = format!("{service} is started again");
        until_within(HEALTHY_TIMEOUT, &what, async || {
            let now = self.process(service).await?;
            ensure!(now != killed, "it is still the process {killed:?}");
            Ok(())
        })
        .await?;
        self.healthy(service).await
    }

    /// Takes a service's container off a network.
    pub async fn disconnect(&self, service: &str, network: &str) -> Result<()> {
        let (id, network) = (self.container(service).await?, full_name(network)?);
        run("docker", &["network", "disconnect", &network, &id]).await?;
        Ok(())
    }

    /// Reverses [`disconnect`](Self::disconnect).
    pub async fn connect(&self, service: &str, network: &str) -> Result<()> {
        let (id, network) = (self.container(service).await?, full_name(network)?);
        let arguments = ["network", "connect", "--alias", service, &network, &id];
        run("docker", &arguments).await?;
        Ok(())
    }

    /// Stops all containers, which must end cleanly, and removes them with their networks and data.
    async fn take_down(&self) -> Result<()> {
        self.compose(&["stop"]).await?;
        let mut codes = Vec::new();
        for service in DATABASES.iter().chain(&SERVICES) {
            let code = self.inspect(service, "{{.State.ExitCode}}").await;
            codes.push(format!("{service} {}", code.unwrap_or_default()));
        }
        let mut down = documented("down")?;
        down.extend(["--volumes".to_owned(), "--remove-orphans".to_owned()]);
        self.compose(&down).await?;
        let left = run("docker", &["ps", "--all", "--quiet"]).await?;
        ensure!(left.is_empty(), "containers are left: {left}");
        ensure!(
            codes.iter().all(|code| code.ends_with(" 0")),
            "not all ended with 0: {codes:?}"
        );
        Ok(())
    }
}

/// Compose puts the name of the project, which is that of the folder, in front.
fn full_name(network: &str) -> Result<String> {
    let root = root().canonicalize()?;
    let folder = root.file_name().context("the repository is no folder")?;
    let folder = folder.to_string_lossy().to_lowercase();
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let project: String = folder.chars().filter(is_kept).collect();
    Ok(format!("{project}_{network}"))
}
