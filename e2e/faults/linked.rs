//! The three services on PostgreSQL, with a link for each connection between processes.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use test_faults::{Link, Target};
use test_postgres::TestDatabase;
use test_shop::{Process, Start, Store};

use crate::support::binaries;

/// The names of the links of the gateway.
pub const COMMANDS: &str = "gateway to command-service";
pub const READS: &str = "gateway to query-service";

/// The running services, the gateway last, because they are stopped in reverse order.
#[derive(Debug)]
pub struct Linked {
    pub gateway: SocketAddr,
    /// The databases, for direct access past the links.
    pub store: Store,
    pub links: Vec<Link>,
    processes: Vec<Process>,
    _databases: [TestDatabase; 3],
}

impl Linked {
    /// Starts the services with these settings.
    pub async fn start(settings: &[(&str, &str)]) -> Result<Self> {
        let databases = [
            test_postgres::database().await,
            test_postgres::database().await,
            test_postgres::database().await,
        ];
        let [events, command, query] = databases.each_ref().map(|database| database.url.clone());
        let mut links = Vec::new();
        let mut through_link = async |name, url: &str| {
            let (link, through) = Link::to_postgres(name, url).await?;
            links.push(link);
            anyhow::Ok(through)
        };
        let writes = through_link("command-service to its event store", &events).await?;
        let answers = through_link("command-service to its database", &command).await?;
        let log = through_link("query-service to the event store", &events).await?;
        let rows = through_link("query-service to its database", &query).await?;
        let commands = Link::open(COMMANDS).await?;
        let reads = Link::open(READS).await?;
        let binaries = binaries().await?;
        let write_side = serve(
            binaries.path("command-service")?,
            settings,
            &[
                ("EVENT_STORE_URL", writes),
                ("COMMAND_DATABASE_URL", answers),
            ],
            &["COMMAND_GRPC_ADDR", "COMMAND_METRICS_ADDR"],
        )
        .await?;
        let read_side = serve(
            binaries.path("query-service")?,
            settings,
            &[("EVENT_STORE_URL", log), ("QUERY_DATABASE_URL", rows)],
            &["QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"],
        )
        .await?;
        commands.lead_to(Target::Tcp(write_side.address("COMMAND_GRPC_ADDR")?));
        reads.lead_to(Target::Tcp(read_side.address("QUERY_GRPC_ADDR")?));
        let gateway = serve(
            binaries.path("client-service")?,
            settings,
            &[
                ("COMMAND_SERVICE_PORT", commands.address.port().to_string()),
                ("QUERY_SERVICE_PORT", reads.address.port().to_string()),
            ],
            &["CLIENT_HTTP_ADDR"],
        )
        .await?;
        links.extend([commands, reads]);
        Ok(Self {
            gateway: gateway.address("CLIENT_HTTP_ADDR")?,
            store: Store::Postgres {
                events,
                command,
                query,
            },
            links,
            processes: vec![write_side, read_side, gateway],
            _databases: databases,
        })
    }

    pub fn link(&self, name: &str) -> Result<&Link> {
        let mut links = self.links.iter();
        let link = links.find(|link| link.name == name);
        link.with_context(|| format!("there is no link {name}"))
    }

    /// The logs of the services.
    pub fn logs(&self) -> String {
        let logs = self
            .processes
            .iter()
            .map(|process| format!("---\n{}\n", process.log()));
        logs.collect()
    }

    /// Stops the services, which must exit cleanly.
    pub async fn stop(mut self) -> Result<()> {
        while let Some(mut process) = self.processes.pop() {
            let status = process.terminate().await?;
            ensure!(status.success(), "{status}:\n{}", process.log());
        }
        Ok(())
    }
}

async fn serve(
    binary: &Path,
    settings: &[(&str, &str)],
    variables: &[(&str, String)],
    listeners: &[&'static str],
) -> Result<Process> {
    let start = Start::listening(listeners).with(settings.iter().copied());
    let start = start.with(variables.iter().cloned());
    Process::serve(binary, &start).await
}
