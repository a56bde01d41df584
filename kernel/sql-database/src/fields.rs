//! Names of log fields, in addition to those of `event-sourcing`.

pub use event_sourcing::fields::ERROR;

pub const FILE: &str = "file.path";
pub const FILE_MODE: &str = "file.mode";
