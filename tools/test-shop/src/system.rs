//! A complete system of processes.

use std::net::SocketAddr;
use std::process::ExitStatus;

use anyhow::{Context, Result, bail};

use crate::binaries::Binaries;
use crate::http::{Connection, Request};
use crate::process::{Process, Start, until};
use crate::tls::ClientTls;

const CLIENT_HTTP: &str = "CLIENT_HTTP_ADDR";
const COMMAND_GRPC: &str = "COMMAND_GRPC_ADDR";
const COMMAND_METRICS: &str = "COMMAND_METRICS_ADDR";
const QUERY_GRPC: &str = "QUERY_GRPC_ADDR";
const QUERY_METRICS: &str = "QUERY_METRICS_ADDR";

/// The storage of a system.
#[derive(Clone, Debug)]
pub enum Store {
    /// Three databases; each service is a separate process.
    Postgres {
        events: String,
        command: String,
        query: String,
    },
    /// A folder; all services are one process.
    Sqlite { folder: String },
}

/// The number of processes of each service. Gateway number i calls the services number i.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub each: usize,
}

#[derive(Debug)]
pub struct System {
    binaries: Binaries,
    store: Store,
    /// Of clients of the gateway, if it serves over TLS.
    tls: Option<ClientTls>,
    parts: Vec<ManagedProcess>,
}

/// A process, and the configuration to restart it.
#[derive(Debug)]
struct ManagedProcess {
    binary: &'static str,
    start: Start,
    process: Process,
}

impl System {
    /// Starts the processes for the store and the layout, and waits until all are healthy.
    ///
    /// # Errors
    /// If a process does not start; the message has its log.
    pub async fn start(binaries: &Binaries, store: Store, layout: Layout) -> Result<Self> {
        Self::start_with(binaries, store, layout, &[]).await
    }

    /// As [`start`](Self::start), with more settings for every process.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_with(
        binaries: &Binaries,
        store: Store,
        layout: Layout,
        settings: &[(&str, &str)],
    ) -> Result<Self> {
        Self::start_over_tls(binaries, store, layout, settings, None).await
    }

    /// As [`start_with`](Self::start_with), with settings of TLS, and with how a client trusts their certificates.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_over_tls(
        binaries: &Binaries,
        store: Store,
        layout: Layout,
        settings: &[(&str, &str)],
        tls: Option<ClientTls>,
    ) -> Result<Self> {
        let mut system = Self {
            binaries: binaries.clone(),
            store,
            tls,
            parts: Vec::new(),
        };
        match system.store.clone() {
            Store::Sqlite { folder } => {
                let listeners = [
                    CLIENT_HTTP,
                    COMMAND_GRPC,
                    COMMAND_METRICS,
                    QUERY_GRPC,
                    QUERY_METRICS,
                ];
                let start = Start::listening(&listeners).with(settings.iter().copied());
                let start = start.with([("DATA_DIR", folder)]);
                system.add("shop", start).await?;
            }
            Store::Postgres {
                events,
                command,
                query,
            } => {
                for _ in 0..layout.each {
                    let urls = [events.as_str(), command.as_str(), query.as_str()];
                    system.add_services(urls, settings).await?;
                }
            }
        }
        system.healthy().await?;
        Ok(system)
    }

    async fn add_services(
        &mut self,
        [events, command, query]: [&str; 3],
        settings: &[(&str, &str)],
    ) -> Result<()> {
        let start = |own: &[(&str, &str)], listeners: &[&'static str]| {
            let start = Start::listening(listeners).with(settings.iter().copied());
            start.with(own.iter().copied())
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
        self.parts.push(ManagedProcess {
            binary,
            start,
            process,
        });
        Ok(&self.parts[self.parts.len() - 1].process)
    }

    /// Waits until `/health` reports every component of every process as healthy.
    ///
    /// # Errors
    /// If a process is not healthy in time.
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
                    // Health and metrics of the services are never encrypted.
                    let tls = self.tls.as_ref().filter(|_| listener == CLIENT_HTTP);
                    let mut connection = Connection::open_with(address, tls).await?;
                    let reply = connection.send(&Request::get(path)).await?;
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

    /// The storage of this system.
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

    /// The address of the write side's health and metrics.
    ///
    /// # Errors
    /// If no process has it.
    pub fn command_metrics(&self) -> Result<SocketAddr> {
        self.nth(COMMAND_METRICS, 0)
    }

    /// The address of the read side's health and metrics.
    ///
    /// # Errors
    /// If no process has it.
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

    /// The logs of all processes, for a failed test.
    #[must_use]
    pub fn logs(&self) -> String {
        let logs = self
            .processes()
            .map(|(name, process)| format!("--- {name}\n{}\n", process.log()));
        logs.collect()
    }

    /// Kills all processes of this binary, or of all binaries, with SIGKILL, and returns their number.
    ///
    /// # Errors
    /// If a process cannot be killed.
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

    /// Kills process number `index` of this binary with SIGKILL.
    ///
    /// # Errors
    /// If there are not that many.
    pub async fn kill_one(&mut self, binary: &str, index: usize) -> Result<()> {
        let process = self.numbered(binary, index)?;
        process.kill()?;
        process.ended().await?;
        Ok(())
    }

    /// Sends a signal to process number `index` of this binary.
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

    /// Restarts the ended processes on their ports, and waits until all are healthy.
    ///
    /// # Errors
    /// If a process does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        self.start_ended().await?;
        self.healthy().await
    }

    /// Restarts the ended processes on their ports, and waits until all are ready, but not necessarily healthy.
    ///
    /// # Errors
    /// If a process does not start.
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

    /// Restarts the first ended process of this binary, which must fail to start, and returns its exit status and log.
    ///
    /// # Errors
    /// If no process has ended, or the restarted one does not end.
    pub async fn start_expecting_failure(&mut self, binary: &str) -> Result<(ExitStatus, String)> {
        let binary_path = self.binaries.path(binary)?.to_owned();
        for part in self.parts.iter_mut().filter(|part| part.binary == binary) {
            if part.process.has_ended()? {
                return Process::run(&binary_path, &part.start).await;
            }
        }
        bail!("no {binary} has ended")
    }

    /// Changes a setting for later starts of this binary.
    pub fn set(&mut self, binary: &str, name: &str, value: &str) {
        for part in self.parts.iter_mut().filter(|part| part.binary == binary) {
            let variables = &mut part.start.variables;
            variables.insert(name.to_owned(), value.to_owned());
        }
    }

    /// Stops all processes in the order that an operator uses: those first that depend on others.
    ///
    /// # Errors
    /// If a process does not end cleanly, with exit code 0.
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
