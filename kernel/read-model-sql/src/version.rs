//! A schema version of a projection. Each has its own lease, checkpoint and rows.

use std::fmt;

/// Identifies a projection and the schema of its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProjectionVersion {
    /// The projection.
    pub name: &'static str,
    /// Its schema version.
    pub version: u32,
}

impl ProjectionVersion {
    /// The name of a generation's table.
    #[must_use]
    pub fn table(self, generation: i64) -> String {
        format!("{}_g{generation}", self.name)
    }
}

impl fmt::Display for ProjectionVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of schema version {}", self.name, self.version)
    }
}
