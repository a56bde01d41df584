//! The snapshots that a command concerns.

use clap::ArgMatches;
use event_sourcing::maintenance::{LogMaintenance, SnapshotSelection};
use event_sourcing::{Snapshot, StoreError, StreamId};
use platform::StartError;

/// The number of snapshots that are read at a time; each holds a whole state.
const PAGE_SNAPSHOTS: usize = 100;

pub fn failed(error: StoreError) -> StartError {
    StartError::failed("read the snapshots", error)
}

/// The snapshots that the flags select.
pub fn selection(arguments: &ArgMatches) -> SnapshotSelection {
    let stream = arguments.get_one::<StreamId>("stream");
    // `show` has a stream only.
    let text = arguments.try_get_one::<String>("type").ok().flatten();
    let schema = arguments
        .try_get_one::<u32>("schema-version")
        .ok()
        .flatten();
    let type_of = |stream: &StreamId| stream.aggregate_type().to_owned();
    SnapshotSelection {
        stream_type: stream.map(type_of).or_else(|| text.cloned()),
        stream_id: stream.map(|stream| stream.aggregate_id().to_owned()),
        schema_version: schema.copied(),
    }
}

/// Calls `each` with all selected snapshots, in the order of their streams.
pub async fn for_each(
    database: &dyn LogMaintenance,
    selection: &SnapshotSelection,
    mut each: impl FnMut(Snapshot),
) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = database.list_snapshots(selection, after.as_ref(), PAGE_SNAPSHOTS);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.into());
        page.into_iter().for_each(&mut each);
    }
}
