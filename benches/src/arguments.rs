//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Measures the system, and compares each figure with a limit that is measured in the same run.
#[derive(Debug, Parser)]
#[command(name = "benches")]
pub struct Arguments {
    #[command(subcommand)]
    pub bench: Bench,
    #[command(flatten)]
    pub options: Options,
}

#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Where to measure: `postgres://…` is a server on which new databases are created and dropped, `sqlite://…` a
    /// folder for new files. Default: a private PostgreSQL cluster with default settings.
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// Print one JSON line for each measurement instead of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// Duration of each measurement, after one second of warm-up.
    #[arg(long, global = true, default_value_t = 5)]
    pub seconds: u64,
    /// Events (or products) that exist before the measurement starts.
    #[arg(long, global = true, default_value_t = 0)]
    pub preload: u64,
    /// Numbers of concurrent clients; each figure is measured for each number.
    #[arg(long, global = true, value_delimiter = ',')]
    pub clients: Vec<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Only the limits, without this project's code.
    Limits,
    /// Commands that load, decide and append one event, compared with one-row transactions.
    Append,
    /// Loading aggregates of 1, 100 and 10,000 events: cached, from a snapshot, cold.
    Load,
    /// Rebuilding a projection from 200,000 events (or `--preload`), compared with a hand-written program.
    Project,
    /// Time from the response of a mutation to the first query that sees it, at 200 mutations per second.
    Visible,
    /// 1,000 subscribers (or `--clients`) at 100 changes per second: time from the decision to the message, memory of each, and
    /// how they resume after the gateway was killed.
    Subscribe,
    /// Requests at a constant rate, with and without attacks: their latency, and the memory that the attacks take.
    Attack {
        /// TLS everywhere, mutual between the processes. Clients of the gateway, and attackers, use HTTP/2.
        #[arg(long)]
        tls: bool,
    },
    /// GraphQL through the real processes: reads compared with a single process, writes with inserts.
    Gateway,
    /// Orders from createOrder to the end of their sagas, compared with four plain commits; also with one in three
    /// declined by the carrier.
    Saga,
    /// Orders that are all for one product, compared with orders for many.
    Hot,
    /// 10,000 suspended sagas (or `--preload`): the CPU and memory of the process that owns them.
    Suspended,
    /// Time to start on existing data, and memory when idle.
    Idle,
    /// Serve the GraphQL limit until standard input closes; started by other benches.
    #[command(hide = true)]
    ServeDirect {
        /// The database with the tables.
        database: String,
    },
}

impl Options {
    /// The duration of each measurement.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.max(1))
    }

    /// The numbers of clients to measure with.
    pub fn clients_or(&self, default: &[usize]) -> Vec<usize> {
        if self.clients.is_empty() {
            default.to_vec()
        } else {
            self.clients.clone()
        }
    }
}
