//! The command line, tested through the binary: texts and exit codes.

mod golden;
mod help;
mod wrong_settings;
