//! The command line.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

/// Measures the system, each figure beside a limit that is measured in the same run.
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
    /// Where to measure: `postgres://…` is a server on which fresh databases are made and dropped, `sqlite://…` a
    /// folder for fresh files. Without it: a private PostgreSQL cluster with default settings.
    #[arg(long, global = true)]
    pub url: Option<String>,
    /// One JSON line for each measurement in place of a table.
    #[arg(long, global = true)]
    pub json: bool,
    /// How long each measurement takes, after one second of warm-up.
    #[arg(long, global = true, default_value_t = 5)]
    pub seconds: u64,
    /// Events (or products) that are there before the measurement begins.
    #[arg(long, global = true, default_value_t = 0)]
    pub preload: u64,
    /// How many clients work at once; each figure is measured for each of them.
    #[arg(long, global = true, value_delimiter = ',')]
    pub clients: Vec<usize>,
}

#[derive(Debug, Subcommand)]
pub enum Bench {
    /// The limits alone; they need nothing of ours.
    Limits,
    /// Commands that load, decide and append one event, beside one-row transactions.
    Append,
    /// Loading aggregates of 1, 100 and 10,000 events: cached, from a snapshot, cold.
    Load,
    /// Rebuilding a projection from 200,000 events (or `--preload`), beside pages by hand.
    Project,
    /// From the answer of a mutation to the first query that sees it, at 200 mutations a second.
    Visible,
    /// GraphQL through the real processes: reads beside a server without hops, writes beside the engine's own.
    Gateway,
    /// Orders from createOrder to the end of their sagas, beside four commits by hand; also with one in three refused by
    /// the carrier.
    Saga,
    /// Orders that are all for one product, beside orders for many.
    Hot,
    /// 10,000 suspended sagas (or `--preload`): what their owner takes at rest.
    Rest,
    /// Start on existing data, and memory at rest.
    Idle,
    /// Serves the GraphQL limit until its standard input closes; other benches start it.
    #[command(hide = true)]
    ServeDirect {
        /// The database with its tables.
        database: String,
    },
}

impl Options {
    /// How long each measurement takes.
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
