//! How long claims and keys are valid.

use std::time::Duration;

/// How long a claim is valid unless renewed.
pub const LEASE: Duration = Duration::from_secs(10);

/// How long a key is retained after the first Begin.
pub const RETENTION: Duration = Duration::from_hours(24);
