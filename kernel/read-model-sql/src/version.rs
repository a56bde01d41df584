//! A projection's schema version: what has a lease, a checkpoint and rows of its own.

use std::fmt;

use event_sourcing::Projection;

use crate::database::Database;

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

impl Database {
    /// The version of `P` that is folded and read through this handle.
    #[must_use]
    pub fn version_of<P: Projection>(&self) -> ProjectionVersion {
        ProjectionVersion {
            name: P::NAME,
            version: P::SCHEMA_VERSION + self.versions_raised_by,
        }
    }

    /// The same database as a later release sees it, whose projections have schema versions so much higher. It lets a
    /// test run two versions of a projection against each other.
    #[must_use]
    pub fn with_versions_raised_by(mut self, by: u32) -> Self {
        self.versions_raised_by = by;
        self
    }
}
