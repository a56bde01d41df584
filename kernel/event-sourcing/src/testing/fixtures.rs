//! Tests that stored events and snapshots stay readable, by comparing them with files.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::PathBuf;

use super::clock::at;
use crate::aggregate::Aggregate;
use crate::event::{DecodeError, DomainEvent, StoredEvent};

/// If set, [`Fixtures::snapshot`] creates missing files. Existing files are never rewritten.
const UPDATE: &str = "UPDATE_GENERATED";

/// A directory with one file per schema version that was ever stored: `Name.v1.json` for an event's data, and
/// `snapshots/type.v1.json` for an aggregate's snapshot. Files are never edited: a schema change gets a new version and
/// a new file.
#[derive(Clone, Debug)]
pub struct Fixtures(PathBuf);

impl Fixtures {
    /// The fixtures in this directory.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Expects that the stored data of this version decode to `event`, and if it is the current version, that `event`
    /// encodes to these data.
    ///
    /// # Panics
    /// If they do not, or the file is missing.
    #[track_caller]
    pub fn event<E: DomainEvent + PartialEq>(&self, name: &str, version: u32, event: &E) {
        let data = self.data(name, version);
        let data = data.unwrap_or_else(|| panic!("missing file {}", file_name(name, version)));
        let read = E::decode(name, version, &data);
        assert_eq!(
            read.as_ref().ok(),
            Some(event),
            "{name} version {version}: {read:?}"
        );
        let written = event.encode();
        assert_eq!(written.event_type, name);
        if written.schema_version != version {
            return;
        }
        assert_eq!(
            written.data, data,
            "{name} is written with another schema than version {version}: give it a new version with an upcaster"
        );
    }

    /// Expects a file for each version of each event that `E` reads.
    ///
    /// # Panics
    /// If one is missing, or cannot be decoded.
    #[track_caller]
    pub fn all_versions_of<E: StoredEvent>(&self) {
        for name in E::TYPES {
            let is_known = |version: &u32| {
                let read = E::decode(name, *version, "null");
                !matches!(read, Err(DecodeError::UnknownVersion { .. }))
            };
            for version in (1..).take_while(is_known) {
                let data = self.data(name, version);
                let file = file_name(name, version);
                let data = data.unwrap_or_else(|| panic!("missing file {file}"));
                if let Err(error) = E::decode(name, version, &data) {
                    panic!("{file} cannot be read: {error:?}");
                }
            }
        }
    }

    /// Expects that a history folds to the snapshot in the file of the aggregate's `SNAPSHOT_VERSION`, and that it can
    /// be read back.
    ///
    /// # Panics
    /// If it does not: raise `SNAPSHOT_VERSION` then, so that stored snapshots are ignored.
    #[track_caller]
    pub fn snapshot<A: Aggregate>(&self, history: impl IntoIterator<Item = A::Event>) {
        let mut state = A::default();
        for (second, event) in (0..).zip(history) {
            state.evolve(&event, at(second));
        }
        assert!(state.may_be_snapshotted(), "{state:?}");
        let folded = json(&state);
        let file = format!("snapshots/{}", file_name(A::TYPE, A::SNAPSHOT_VERSION));
        let path = self.0.join(&file);
        if !path.exists() && std::env::var_os(UPDATE).is_some() {
            std::fs::write(&path, format!("{folded}\n")).expect("cannot write the fixture");
        }
        let stored = std::fs::read_to_string(&path);
        let stored = stored.unwrap_or_else(|_| panic!("missing file {file}; {UPDATE}=1 writes it"));
        let rule = format!(
            "snapshots of {} are no longer those of version {}: raise SNAPSHOT_VERSION",
            A::TYPE,
            A::SNAPSHOT_VERSION
        );
        assert_eq!(folded, stored.trim_end(), "{rule}");
        let read: A =
            serde_json::from_str(&stored).unwrap_or_else(|error| panic!("{rule}: {error}"));
        assert_eq!(json(&read), folded, "{rule}");
    }

    /// The data of an event, if there is a file.
    #[must_use]
    pub fn data(&self, name: &str, version: u32) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join(file_name(name, version)));
        text.ok().map(|text| text.trim_end().to_owned())
    }
}

fn file_name(name: &str, version: u32) -> String {
    format!("{name}.v{version}.json")
}

fn json<A: Aggregate>(state: &A) -> String {
    serde_json::to_string(state).expect("a state is JSON")
}

/// The stored names of an event enum, for [`assert_distinct`].
#[derive(Clone, Copy, Debug)]
pub struct StoredNames {
    of: &'static str,
    names: &'static [&'static str],
}

/// The stored names of `E`.
#[must_use]
pub fn stored_names<E: StoredEvent>() -> StoredNames {
    StoredNames {
        of: type_name::<E>(),
        names: E::TYPES,
    }
}

/// Expects that no two event enums share a stored name: a reader that filters by name would confuse their events.
///
/// # Panics
/// If two do; the message names both.
#[track_caller]
pub fn assert_distinct(all: &[StoredNames]) {
    let mut owners = BTreeMap::new();
    for StoredNames { of, names } in all {
        for name in *names {
            if let Some(other) = owners.insert(*name, *of) {
                panic!("{other} and {of} both store {name:?}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{assert_distinct, stored_names};
    use crate::projection::ControlEvent;
    use crate::testing::doc::Incremented;

    #[test]
    fn enums_with_different_names_are_distinct() {
        assert_distinct(&[
            stored_names::<Incremented>(),
            stored_names::<ControlEvent>(),
        ]);
    }

    #[test]
    #[should_panic(
        expected = "event_sourcing::testing::doc::Incremented and event_sourcing::testing::doc::Incremented both store \"Incremented\""
    )]
    fn enums_that_share_a_name_are_reported() {
        assert_distinct(&[stored_names::<Incremented>(), stored_names::<Incremented>()]);
    }
}
