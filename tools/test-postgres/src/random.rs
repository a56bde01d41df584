//! Unique names.

use std::hash::{BuildHasher, RandomState};

/// A name that is unique across processes and calls.
pub(crate) fn random_name() -> String {
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}_{random:016x}", std::process::id())
}
