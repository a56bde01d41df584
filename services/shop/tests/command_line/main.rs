//! The command line, tested through the binary: texts and exit codes.

mod config;
mod golden;
mod help;
mod shell;
mod token;
mod wrong_settings;
