//! Names of log fields.

pub const ERROR: &str = "error.cause";
pub const FILE: &str = "file.path";
pub const FILE_MODE: &str = "file.mode";
