//! One file a check. A check gives the problems that it found; an error means that it could not look.

mod adapters;
mod circles;
mod clippy;
mod command;
mod deny;
mod docs;
mod error_codes;
mod features;
mod formatting;
mod leftovers;
mod links;
mod log_fields;
mod manifest;
mod metrics;
mod run;
mod schema;
mod size;
mod statements;
mod subjects;
mod tiers;
mod words;

pub use run::{ALL, run};
