//! Verifies that each snapshot is of an event that its stream has.

use super::report::{Finding, FindingKind};
use super::verifier::LogVerifier;
use crate::error::StoreError;
use crate::id::{CommandId, Version};
use crate::maintenance::{LogMaintenance, SnapshotKey, SnapshotSelection};
use crate::snapshot::MarkedState;
use crate::store::{EventStore, Snapshot};

/// The number of snapshots that are read at a time; each holds a whole state.
const PAGE_SNAPSHOTS: usize = 50;

pub(super) async fn verify(
    log: &dyn EventStore,
    database: &dyn LogMaintenance,
    verifier: &mut LogVerifier<'_>,
) -> Result<(), StoreError> {
    let all = SnapshotSelection::default();
    let mut after: Option<SnapshotKey> = None;
    loop {
        let page = database.list_snapshots(&all, after.as_ref(), PAGE_SNAPSHOTS);
        let page = page.await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some(last.into());
        for snapshot in &page {
            verifier.report().snapshots += 1;
            if let Some(detail) = problem(log, verifier, snapshot).await? {
                let detail = format!("schema version {}: {detail}", snapshot.schema_version);
                let finding = Finding::new(FindingKind::ForeignSnapshot, detail);
                let finding = finding.in_stream(&snapshot.stream, snapshot.version);
                verifier.report().add(finding);
            }
        }
    }
}

async fn problem(
    log: &dyn EventStore,
    verifier: &LogVerifier<'_>,
    snapshot: &Snapshot,
) -> Result<Option<String>, StoreError> {
    if verifier.types().is_index(snapshot.stream.aggregate_type()) {
        let head = log.head().await?;
        let is_above = snapshot.version.0 > head.0;
        return Ok(
            is_above.then(|| format!("it is of a position above {head}, the end of the log"))
        );
    }
    let Some(state) = MarkedState::read(&snapshot.state) else {
        return Ok(Some("its state has an unknown format".to_owned()));
    };
    let Some(before) = snapshot.version.0.checked_sub(1) else {
        return Ok(Some("it is of version 0".to_owned()));
    };
    if verifier.version_of(&snapshot.stream) < snapshot.version {
        // The stream may have grown since the log was read.
        let streams = [snapshot.stream.clone()];
        let status = log.command_status(CommandId(uuid::Uuid::nil()), &streams);
        let current = status.await?.versions.first().copied();
        match current.unwrap_or(Version::NONE) {
            Version::NONE => return Ok(Some("its stream has no events".to_owned())),
            current if current < snapshot.version => {
                return Ok(Some(format!("its stream ends at version {current}")));
            }
            _ => {}
        }
    }
    let page = log
        .read_stream(&snapshot.stream, Version(before), 1)
        .await?;
    let event = page.events.first();
    let event = event.filter(|event| event.version == snapshot.version);
    // A missing or unreadable event is a finding of its own.
    Ok(event.and_then(|event| {
        (event.event_id != state.event_id).then(|| {
            format!(
                "it is of event {}, but the stream has event {} at that version",
                state.event_id, event.event_id
            )
        })
    }))
}
