//! The command line as a user meets it: the real binary, its texts and exit codes.

mod golden;
mod help;
mod wrong_settings;
