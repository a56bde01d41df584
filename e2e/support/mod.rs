//! Helpers of the journeys and fault tests.

mod audit;
mod client;
mod collector;
mod databases;
mod disk;
mod expect;
mod node;
mod orders;
mod prometheus;
mod rotel;
mod session;
mod shop;
mod words;

pub use audit::{Audit, Ended, LedgerSums, Status};
pub use client::{Client, RequestResult};
pub use collector::{Collector, ExportedSpan, tree};
pub use databases::{Database, SagaCount, StoredEvent};
pub use disk::Disk;
pub use expect::{number, of, report, text};
pub use node::{Packages, graphiql, node, node_with};
pub use orders::{CANCEL_ORDER, CREATE_ORDER, SHIP_ORDER, order_input};
pub use prometheus::{Prometheus, check_metrics, promtool};
pub use rotel::Rotel;
pub use session::Session;
pub use shop::{Shop, Topology, binaries, long, on, on_folder, on_with};
pub use words::{is_time, is_uuid, words};
