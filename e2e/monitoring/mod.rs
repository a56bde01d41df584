//! What `deploy/prometheus` and `deploy/grafana` contain, and the reference of the metrics, fit the running system.

mod alerts;
mod load;
mod queries;
mod reference;

use std::path::{Path, PathBuf};

/// A file or folder of the repository.
fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
