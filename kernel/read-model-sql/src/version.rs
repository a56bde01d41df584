//! A projection's schema version: what has a lease, a checkpoint and rows of its own.

use std::fmt;

/// Names a projection and the shape of its rows.
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
