//! Names that do not meet.

use std::hash::{BuildHasher, RandomState};

/// A name that no other process and no other call has.
pub(crate) fn random_name() -> String {
    let random = RandomState::new().hash_one(std::process::id());
    format!("{}_{random:016x}", std::process::id())
}
