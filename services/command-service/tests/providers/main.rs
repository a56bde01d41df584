//! The providers, against the promises of their ports.

mod book;
mod promises;
mod settings;
mod simulated;
mod support;
