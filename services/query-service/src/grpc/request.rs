//! The metadata of calls: the minimum position, the deadline, and the position of the answer.

use std::time::Duration;

use authentication::{Scope, caller_of, denied};
use contract::metadata;
use contract::status::{self, Reason};
use event_sourcing::{FailureLog, Position};
use platform::{ErrorId, fields};
use tokio::time::Instant;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Response, Status};

use crate::queries::{ReadError, ReadOptions, ReadResult};

/// Upper bound of a read's deadline, and the default for callers that set none.
const MAX_READ_TIMEOUT: Duration = Duration::from_secs(10);
/// The fraction (one in so many) of the deadline that is reserved for returning an error to the caller.
const SPARE_PART: u32 = 10;
const MAX_RESERVE: Duration = Duration::from_millis(100);

/// Rate limit of the log lines about reads that failed because the database did not answer.
static FAILED_READS: FailureLog = FailureLog::new();

/// The read options in a request's metadata.
pub(super) fn read_options(metadata: &MetadataMap) -> Result<ReadOptions, Status> {
    let min = metadata::position(metadata, metadata::MIN_POSITION)?.unwrap_or(0);
    let wait = metadata::timeout(metadata)?
        .unwrap_or(MAX_READ_TIMEOUT)
        .min(MAX_READ_TIMEOUT);
    let spare = (wait / SPARE_PART).min(MAX_RESERVE);
    Ok(ReadOptions {
        min: Position(min),
        deadline: Instant::now() + wait.saturating_sub(spare),
    })
}

/// The orders that the caller may see.
pub(super) fn scope_of(extensions: &Extensions) -> Result<Scope<'_>, Status> {
    caller_of(extensions)?.orders().map_err(denied)
}

/// A reply with the position that it reflects, in its metadata.
pub(super) fn answer<T>(found: ReadResult<T>) -> Response<T> {
    FAILED_READS.log_recovery(Instant::now(), "reads succeed again");
    let mut response = Response::new(found.value);
    metadata::insert_position(
        response.metadata_mut(),
        metadata::POSITION,
        found.position.0,
    );
    response
}

/// `NOT_FOUND`, with the position that the lookup reflects.
pub(super) fn not_found(what: &str, position: Position) -> Status {
    with_position(Status::not_found(what), position)
}

/// Maps an error to a status. Errors that only the operator can fix are logged here, once.
pub(super) fn status(error: &ReadError) -> Status {
    match error {
        ReadError::Behind { at, .. } => {
            with_position(Reason::ReadSideBehind.status(error.to_string()), *at)
        }
        ReadError::Building { at, .. } => {
            with_position(Reason::ReadSideBuilding.status(error.to_string()), *at)
        }
        ReadError::Stalled { at, .. } => {
            with_position(Reason::ReadSideStalled.status(error.to_string()), *at)
        }
        ReadError::AboveHead { .. } => Reason::PositionAboveHead.status(error.to_string()),
        ReadError::Store(cause) if cause.is_retryable() => {
            if let Some(suppressed) = FAILED_READS.failed(Instant::now()) {
                tracing::warn!(
                    { fields::ERROR } = cause as &dyn std::error::Error,
                    { fields::SUPPRESSED } = suppressed,
                    "a read failed because its database is unavailable"
                );
            }
            Status::unavailable("the read side's database does not answer")
        }
        ReadError::Store(cause) => {
            let id = ErrorId::random();
            tracing::error!(
                { fields::ERROR_ID } = %id,
                { fields::ERROR } = cause as &dyn std::error::Error,
                "a read failed"
            );
            status::internal(id)
        }
    }
}

fn with_position(mut status: Status, position: Position) -> Status {
    metadata::insert_position(status.metadata_mut(), metadata::POSITION, position.0);
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_part_of_the_deadline_is_reserved_for_the_answer() {
        let wait = |timeout: Option<&str>| {
            let mut metadata = MetadataMap::new();
            if let Some(timeout) = timeout {
                metadata::insert(&mut metadata, metadata::GRPC_TIMEOUT, timeout);
            }
            read_options(&metadata).expect("good metadata").deadline - Instant::now()
        };
        assert_eq!(wait(Some("1S")), Duration::from_millis(900));
        assert_eq!(wait(Some("20m")), Duration::from_millis(18));
        assert_eq!(wait(Some("1H")), Duration::from_millis(9_900));
        assert_eq!(wait(None), Duration::from_millis(9_900));
    }

    #[test]
    fn each_error_has_its_code_reason_and_position() {
        let behind = status(&ReadError::Behind {
            min: Position(9),
            at: Position(7),
        });
        assert_eq!(Reason::of(&behind), Some(Reason::ReadSideBehind));
        let at = metadata::position(behind.metadata(), metadata::POSITION);
        assert_eq!(at.expect("a position"), Some(7));
        let building = status(&ReadError::Building {
            projection: "products",
            at: Position(7),
        });
        assert_eq!(building.code(), tonic::Code::Unavailable);
        assert_eq!(Reason::of(&building), Some(Reason::ReadSideBuilding));
        let above = status(&ReadError::AboveHead {
            min: Position(9),
            head: Position(7),
        });
        assert_eq!(above.code(), tonic::Code::InvalidArgument);
    }

    #[test]
    fn the_cause_of_an_internal_error_is_not_shown() {
        let cause = event_sourcing::StoreError::Failed {
            operation: "secret operation",
            source: std::sync::Arc::new(std::io::Error::other("secret cause")),
        };
        let shown = status(&ReadError::Store(cause));
        assert_eq!(shown.code(), tonic::Code::Internal);
        assert!(!format!("{shown:?}").contains("secret"));
        assert!(status::error_id(&shown).is_some());
    }
}
