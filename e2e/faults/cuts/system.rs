//! The three services on PostgreSQL, with a link for each connection between processes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use test_postgres::TestDatabase;
use test_shop::{Process, Start, Store};

use super::link::{Link, Target};
use crate::support::binaries;

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

/// Short timeouts, so that a lasting cut is over soon.
const SETTINGS: [(&str, &str); 3] = [
    ("CLIENT_WRITE_TIMEOUT_MS", "2000"),
    ("CLIENT_READ_TIMEOUT_MS", "1500"),
    ("CLIENT_LIST_TIMEOUT_MS", "1500"),
];

impl Linked {
    pub async fn start() -> Result<Self> {
        let databases = [
            test_postgres::database().await,
            test_postgres::database().await,
            test_postgres::database().await,
        ];
        let [events, command, query] = databases.each_ref().map(|database| database.url.clone());
        let mut links = Vec::new();
        let writes =
            through_link("command-service to its event store", &events, &mut links).await?;
        let answers = through_link("command-service to its database", &command, &mut links).await?;
        let log = through_link("query-service to the event store", &events, &mut links).await?;
        let rows = through_link("query-service to its database", &query, &mut links).await?;
        let commands = Link::open("gateway to command-service").await?;
        let reads = Link::open("gateway to query-service").await?;
        let binaries = binaries().await?;
        let write_side = serve(
            binaries.path("command-service")?,
            &[
                ("EVENT_STORE_URL", writes),
                ("COMMAND_DATABASE_URL", answers),
            ],
            &["COMMAND_GRPC_ADDR", "COMMAND_METRICS_ADDR"],
        )
        .await?;
        let read_side = serve(
            binaries.path("query-service")?,
            &[("EVENT_STORE_URL", log), ("QUERY_DATABASE_URL", rows)],
            &["QUERY_GRPC_ADDR", "QUERY_METRICS_ADDR"],
        )
        .await?;
        commands.lead_to(Target::Tcp(write_side.address("COMMAND_GRPC_ADDR")?));
        reads.lead_to(Target::Tcp(read_side.address("QUERY_GRPC_ADDR")?));
        let gateway = serve(
            binaries.path("client-service")?,
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
    variables: &[(&str, String)],
    listeners: &[&'static str],
) -> Result<Process> {
    let given = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    let shared = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let start = Start {
        variables: shared.into_iter().chain(given).collect::<BTreeMap<_, _>>(),
        listeners: listeners.to_vec(),
        ..Start::default()
    };
    Process::serve(binary, &start).await
}

/// A link to the server of a database, and the database's URL through it.
async fn through_link(name: &'static str, url: &str, links: &mut Vec<Link>) -> Result<String> {
    let link = Link::open(name).await?;
    let (target, through) = redirect(url, link.address)?;
    link.lead_to(target);
    links.push(link);
    Ok(through)
}

/// The target of a PostgreSQL URL, and the URL with its address replaced by `to`.
fn redirect(url: &str, to: SocketAddr) -> Result<(Target, String)> {
    const NOT_A_URL: &str = "not a URL of PostgreSQL";
    let (scheme, rest) = url.split_once("://").context(NOT_A_URL)?;
    let (authority, rest) = rest.split_once('/').context(NOT_A_URL)?;
    let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = authority.rsplit_once('@').context(NOT_A_URL)?;
    let (host, port) = place.rsplit_once(':').unwrap_or((place, "5432"));
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    let target = if let Some(folder) = socket {
        Target::Unix(Path::new(folder).join(format!(".s.PGSQL.{port}")))
    } else {
        let port: u16 = port.parse().context(NOT_A_URL)?;
        let mut addresses = std::net::ToSocketAddrs::to_socket_addrs(&(host, port))?;
        Target::Tcp(addresses.next().context("the server has no address")?)
    };
    let others = query.split('&').filter(|pair| !pair.starts_with("host="));
    let others = others.collect::<Vec<_>>().join("&");
    Ok((
        target,
        format!("{scheme}://{user}@{to}/{database}?{others}"),
    ))
}
