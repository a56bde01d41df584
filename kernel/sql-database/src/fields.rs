//! Names of log fields, in addition to those of `event-sourcing`.

pub use event_sourcing::fields::ERROR;

/// The path of a database file, or of its folder.
pub const FILE: &str = "file.path";
/// The permissions of a file, in octal.
pub const FILE_MODE: &str = "file.mode";
