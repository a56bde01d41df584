//! Two replicas of each service, and a load balancer in front of each service.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use test_faults::Balancer;
use test_postgres::TestDatabase;
use test_shop::{Process, Start, Store, until};

use super::Step;
use crate::support::binaries;

const EACH: usize = 2;

/// The three services on databases of their own.
#[derive(Debug)]
pub struct Fleet {
    pub store: Store,
    commands: Replicas,
    queries: Replicas,
    gateways: Replicas,
    _databases: [TestDatabase; 3],
}

/// The replicas of one service.
#[derive(Debug)]
struct Replicas {
    start: Start,
    /// The listener that is balanced, and the one that is probed.
    listeners: [&'static str; 2],
    balancer: Balancer,
    /// The oldest first.
    running: Vec<Process>,
}

/// The folder of an older release's binaries, if the upgrade begins with one.
fn older_release() -> Option<PathBuf> {
    std::env::var_os("E2E_UPGRADE_FROM").map(PathBuf::from)
}

/// The binary that a fleet begins with.
async fn first_binary(name: &str) -> Result<PathBuf> {
    match older_release() {
        Some(folder) => Ok(folder.join(name)),
        None => Ok(binaries().await?.path(name)?.to_owned()),
    }
}

impl Fleet {
    /// Starts it. A process that stops serves for `delay` after it has reported that it is not ready, which the balancers learn
    /// within `interval`.
    pub async fn start(delay: Duration, interval: Duration) -> Result<Self> {
        let databases = [
            test_postgres::database().await,
            test_postgres::database().await,
            test_postgres::database().await,
        ];
        let [events, command, query] = databases.each_ref().map(|one| one.url.clone());
        let delay = delay.as_millis().to_string();
        let log = ("EVENT_STORE_URL", events.clone());
        let own = ("COMMAND_DATABASE_URL", command.clone());
        let commands =
            Replicas::of(["COMMAND_GRPC_ADDR", "COMMAND_METRICS_ADDR"], interval).await?;
        let commands = commands.with(&[log.clone(), own], &delay);
        let own = ("QUERY_DATABASE_URL", query.clone());
        let queries = Replicas::of(["QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"], interval).await?;
        let queries = queries.with(&[log, own], &delay);
        let port = |replicas: &Replicas| replicas.balancer.address.port().to_string();
        let finding = [
            ("COMMAND_SERVICE_PORT", port(&commands)),
            ("QUERY_SERVICE_PORT", port(&queries)),
        ];
        let gateways = Replicas::of(["CLIENT_HTTP_ADDR", "CLIENT_HTTP_ADDR"], interval).await?;
        let gateways = gateways.with(&finding, &delay);
        let mut fleet = Self {
            store: Store::Postgres {
                events,
                command,
                query,
            },
            commands,
            queries,
            gateways,
            _databases: databases,
        };
        for service in Step::ALL {
            let binary = first_binary(service.binary()).await?;
            for _ in 0..EACH {
                fleet.replicas(service).add(&binary).await?;
            }
        }
        Ok(fleet)
    }

    /// The address that clients connect to.
    pub fn address(&self) -> std::net::SocketAddr {
        self.gateways.balancer.address
    }

    /// Replaces each replica of a service, one after the other, by one of `binary`.
    pub async fn roll(&mut self, service: Step, binary: &Path) -> Result<()> {
        let replicas = self.replicas(service);
        for _ in 0..EACH {
            replicas.stop_oldest().await?;
            replicas.add(binary).await?;
        }
        Ok(())
    }

    pub fn logs(&self) -> String {
        let all = [&self.commands, &self.queries, &self.gateways];
        let running = all.into_iter().flat_map(|replicas| &replicas.running);
        running.map(Process::log).collect::<Vec<_>>().join("\n\n")
    }

    fn replicas(&mut self, service: Step) -> &mut Replicas {
        match service {
            Step::Command => &mut self.commands,
            Step::Query => &mut self.queries,
            Step::Gateway => &mut self.gateways,
        }
    }
}

impl Replicas {
    async fn of(listeners: [&'static str; 2], interval: Duration) -> Result<Self> {
        let mut names = listeners.to_vec();
        names.dedup();
        Ok(Self {
            start: Start::listening(&names),
            listeners,
            balancer: Balancer::open(interval).await?,
            running: Vec::new(),
        })
    }

    fn with(mut self, settings: &[(&str, String)], delay: &str) -> Self {
        let settings = settings.iter().cloned();
        self.start = self.start.with(settings);
        self.start = self.start.with([("SHUTDOWN_DELAY_MS", delay)]);
        self
    }

    /// Starts a replica, and waits until it gets requests.
    async fn add(&mut self, binary: &Path) -> Result<()> {
        let process = Process::serve(binary, &self.start).await?;
        let [served, probed] = self.listeners.map(|name| process.address(name));
        self.balancer.add(served?, probed?);
        self.running.push(process);
        let all = self.running.len();
        until("a new replica is ready", async || {
            let ready = self.balancer.ready();
            ensure!(ready == all, "{ready} of {all}");
            Ok(())
        })
        .await
        .with_context(|| self.running.last().map(Process::log).unwrap_or_default())
    }

    /// Stops the oldest replica as an orchestrator does, which must end by itself.
    async fn stop_oldest(&mut self) -> Result<()> {
        let mut oldest = self.running.remove(0);
        let address = oldest.address(self.listeners[0])?;
        if older_release().is_some() {
            // It may not know SHUTDOWN_DELAY_MS, in whose place an orchestrator has a hook before the signal.
            self.balancer.remove(address);
        }
        let status = oldest.terminate().await?;
        if !status.success() {
            bail!("a replica ended with {status}:\n{}", oldest.log());
        }
        self.balancer.remove(address);
        Ok(())
    }
}
