//! Sagas of definitions that a binary lacks.

/// A saga runs by a version of its definition that this binary does not have: an older binary next to a newer one, or one
/// from which an old version was removed too early. Only a binary that has it can drive the saga.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unsupported definition version {version}; supported: {}", list(.supported))]
pub struct UnsupportedDefinition {
    /// The saga's version.
    pub version: u32,
    /// The versions that this binary has, ascending.
    pub supported: Vec<u32>,
}

fn list(versions: &[u32]) -> String {
    let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
    versions.join(", ")
}
