//! All processes that belong together.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::ExitStatus;

use anyhow::{Context, Result, bail};

use crate::binaries::Binaries;
use crate::http::{Connection, Reply, Request};
use crate::process::{Process, Start, until};

const CLIENT_HTTP: &str = "CLIENT_HTTP_ADDR";
const COMMAND_GRPC: &str = "COMMAND_GRPC_ADDR";
const COMMAND_METRICS: &str = "COMMAND_METRICS_ADDR";
const QUERY_GRPC: &str = "QUERY_GRPC_ADDR";
const QUERY_METRICS: &str = "QUERY_METRICS_ADDR";

/// Where the data are.
#[derive(Clone, Debug)]
pub enum Store {
    /// Three databases; each service is a process of its own.
    Postgres {
        events: String,
        command: String,
        query: String,
    },
    /// A folder; everything is one process.
    Sqlite { folder: String },
}

/// How many of each service there are. The gateway number i asks the services number i.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub each: usize,
}

#[derive(Debug)]
pub struct System {
    binaries: Binaries,
    store: Store,
    parts: Vec<Part>,
}

/// One process, and how to start it again.
#[derive(Debug)]
struct Part {
    binary: &'static str,
    start: Start,
    process: Process,
}

impl System {
    /// Starts what the store and the layout ask for and waits until all of it is healthy.
    ///
    /// # Errors
    /// If a process does not come up; the message has its log.
    pub async fn start(binaries: &Binaries, store: Store, layout: Layout) -> Result<Self> {
        Self::start_with(binaries, store, layout, &[]).await
    }

    /// The same with more settings for every process.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(
        binaries: &Binaries,
        store: Store,
        layout: Layout,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        let mut system = Self {
            binaries: binaries.clone(),
            store,
            parts: Vec::new(),
        };
        let settings: BTreeMap<String, String> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        match system.store.clone() {
            Store::Sqlite { folder } => {
                let mut start = Start {
                    variables: settings,
                    listeners: vec![
                        CLIENT_HTTP,
                        COMMAND_GRPC,
                        COMMAND_METRICS,
                        QUERY_GRPC,
                        QUERY_METRICS,
                    ],
                    ..Start::default()
                };
                start.variables.insert("DATA_DIR".to_owned(), folder);
                system.add("shop", start).await?;
            }
            Store::Postgres {
                events,
                command,
                query,
            } => {
                for _ in 0..layout.each {
                    let urls = [events.as_str(), command.as_str(), query.as_str()];
                    system.add_services(urls, &settings).await?;
                }
            }
        }
        system.healthy().await?;
        Ok(system)
    }

    async fn add_services(
        &mut self,
        [events, command, query]: [&str; 3],
        settings: &BTreeMap<String, String>,
    ) -> Result<()> {
        let start = |variables: &[(&str, &str)], listeners: &[&'static str]| {
            let mut all = settings.clone();
            let own = variables
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            all.extend(own);
            Start {
                arguments: Vec::new(),
                variables: all,
                listeners: listeners.to_vec(),
            }
        };
        let writing = [
            ("EVENT_STORE_URL", events),
            ("COMMAND_DATABASE_URL", command),
        ];
        let listeners = [COMMAND_GRPC, COMMAND_METRICS];
        let command = self
            .add("command-service", start(&writing, &listeners))
            .await?;
        let command = command.address(COMMAND_GRPC)?;
        let reading = [("EVENT_STORE_URL", events), ("QUERY_DATABASE_URL", query)];
        let listeners = [QUERY_GRPC, QUERY_METRICS];
        let query = self
            .add("query-service", start(&reading, &listeners))
            .await?;
        let query = query.address(QUERY_GRPC)?;
        let (command_port, query_port) = (command.port().to_string(), query.port().to_string());
        let finding = [
            ("COMMAND_SERVICE_PORT", command_port.as_str()),
            ("QUERY_SERVICE_PORT", query_port.as_str()),
        ];
        self.add("client-service", start(&finding, &[CLIENT_HTTP]))
            .await?;
        Ok(())
    }

    async fn add(&mut self, binary: &'static str, start: Start) -> Result<&Process> {
        let process = Process::serve(self.binaries.path(binary)?, &start).await?;
        let mut start = start;
        start.variables.extend(process.addresses());
        self.parts.push(Part {
            binary,
            start,
            process,
        });
        Ok(&self.parts[self.parts.len() - 1].process)
    }

    /// Waits until every part of every process works, as `/health` tells.
    ///
    /// # Errors
    /// If one does not in time.
    pub async fn healthy(&self) -> Result<()> {
        self.all_answer("/health").await
    }

    async fn all_answer(&self, path: &str) -> Result<()> {
        for part in &self.parts {
            for listener in [CLIENT_HTTP, COMMAND_METRICS, QUERY_METRICS] {
                let Ok(address) = part.process.address(listener) else {
                    continue;
                };
                until(&format!("{path} of {}", part.binary), async || {
                    let reply = get(address, path).await?;
                    if !reply.status.is_success() {
                        bail!("{}: {:?}", reply.status, reply.body);
                    }
                    Ok(())
                })
                .await?;
            }
        }
        Ok(())
    }

    /// Where the data are.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The HTTP address of gateway number `index`.
    ///
    /// # Errors
    /// If there are not that many.
    pub fn gateway(&self, index: usize) -> Result<SocketAddr> {
        self.nth(CLIENT_HTTP, index)
    }

    /// The gRPC address of write side number `index`.
    ///
    /// # Errors
    /// If there are not that many.
    pub fn command_grpc(&self, index: usize) -> Result<SocketAddr> {
        self.nth(COMMAND_GRPC, index)
    }

    /// The gRPC address of read side number `index`.
    ///
    /// # Errors
    /// If there are not that many.
    pub fn query_grpc(&self, index: usize) -> Result<SocketAddr> {
        self.nth(QUERY_GRPC, index)
    }

    /// Where the write side serves its health and metrics.
    ///
    /// # Errors
    /// If there is none.
    pub fn command_metrics(&self) -> Result<SocketAddr> {
        self.nth(COMMAND_METRICS, 0)
    }

    /// Where the read side serves its health and metrics.
    ///
    /// # Errors
    /// If there is none.
    pub fn query_metrics(&self) -> Result<SocketAddr> {
        self.nth(QUERY_METRICS, 0)
    }

    fn nth(&self, listener: &str, index: usize) -> Result<SocketAddr> {
        self.parts
            .iter()
            .filter_map(|part| part.process.address(listener).ok())
            .nth(index)
            .with_context(|| format!("there is no {listener} number {index}"))
    }

    /// The processes with the names of their binaries.
    pub fn processes(&self) -> impl Iterator<Item = (&'static str, &Process)> {
        self.parts.iter().map(|part| (part.binary, &part.process))
    }

    /// The logs of all of them, for a test that failed.
    #[must_use]
    pub fn logs(&self) -> String {
        let logs = self
            .processes()
            .map(|(name, process)| format!("--- {name}\n{}\n", process.log()));
        logs.collect()
    }

    /// Kills all processes whose binary has this name, or all. SIGKILL; gives how many.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub async fn kill(&mut self, binary: Option<&str>) -> Result<usize> {
        let mut killed = 0;
        for part in &mut self.parts {
            if binary.is_none_or(|binary| binary == part.binary) {
                part.process.kill()?;
                part.process.ended().await?;
                killed += 1;
            }
        }
        Ok(killed)
    }

    /// Kills number `index` of the processes whose binary has this name. SIGKILL.
    ///
    /// # Errors
    /// If there are not that many.
    pub async fn kill_one(&mut self, binary: &str, index: usize) -> Result<()> {
        let process = self.numbered(binary, index)?;
        process.kill()?;
        process.ended().await?;
        Ok(())
    }

    /// Sends a signal to number `index` of the processes whose binary has this name.
    ///
    /// # Errors
    /// If there are not that many.
    pub fn signal(&mut self, binary: &str, index: usize, signal: &str) -> Result<()> {
        self.numbered(binary, index)?.signal(signal)
    }

    fn numbered(&mut self, binary: &str, index: usize) -> Result<&mut Process> {
        let mut named = self.parts.iter_mut().filter(|part| part.binary == binary);
        let part = named.nth(index);
        let part = part.with_context(|| format!("there is no {binary} number {index}"))?;
        Ok(&mut part.process)
    }

    /// Starts what has ended again, on its old ports, and waits until all is healthy.
    ///
    /// # Errors
    /// If a process does not come up.
    pub async fn start_again(&mut self) -> Result<()> {
        self.start_ended().await?;
        self.healthy().await
    }

    /// Starts what has ended again, on its old ports, and waits until all of it is ready, though perhaps not healthy.
    ///
    /// # Errors
    /// If a process does not come up.
    pub async fn start_again_impaired(&mut self) -> Result<()> {
        self.start_ended().await?;
        self.all_answer("/health/ready").await
    }

    async fn start_ended(&mut self) -> Result<()> {
        for part in &mut self.parts {
            if part.process.has_ended()? {
                let binary = self.binaries.path(part.binary)?;
                part.process = Process::serve(binary, &part.start).await?;
            }
        }
        Ok(())
    }

    /// Starts the first ended process of this binary, which must not come up, and gives how it ended and its log.
    ///
    /// # Errors
    /// If there is none, or it does not end.
    pub async fn start_in_vain(&mut self, binary: &str) -> Result<(ExitStatus, String)> {
        let binary_path = self.binaries.path(binary)?.to_owned();
        for part in self.parts.iter_mut().filter(|part| part.binary == binary) {
            if part.process.has_ended()? {
                return Process::run(&binary_path, &part.start).await;
            }
        }
        bail!("no {binary} has ended")
    }

    /// Sets a setting for every later start of processes of this binary.
    pub fn set(&mut self, binary: &str, name: &str, value: &str) {
        for part in self.parts.iter_mut().filter(|part| part.binary == binary) {
            let variables = &mut part.start.variables;
            variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Stops all in the order in which an operator does, and fails if one does not end cleanly.
    ///
    /// # Errors
    /// If a process exits with another code than 0.
    pub async fn stop(mut self) -> Result<()> {
        while let Some(mut part) = self.parts.pop() {
            let status = part.process.terminate().await?;
            if !status.success() {
                bail!(
                    "{} ended with {status}:\n{}",
                    part.binary,
                    part.process.log()
                );
            }
        }
        Ok(())
    }
}

/// Asks once, on a connection of its own.
async fn get(address: SocketAddr, path: &str) -> Result<Reply> {
    Connection::open(address)
        .await?
        .send(&Request::get(path))
        .await
}
