//! Parts that all replies share.

use contract::proto::Error;
use contract::{metadata, time};
use event_sourcing::{Clock, Position};
use prost_types::Timestamp;
use tonic::Response;

/// A reply with the log position that it reflects, in its metadata.
pub(super) fn at_position<M>(position: Option<Position>, message: M) -> Response<M> {
    let mut response = Response::new(message);
    if let Some(position) = position {
        metadata::insert_position(response.metadata_mut(), metadata::POSITION, position.0);
    }
    response
}

pub(super) fn split<A>(result: Result<A, Error>) -> (Option<A>, Option<Error>) {
    match result {
        Ok(answer) => (Some(answer), None),
        Err(error) => (None, Some(error)),
    }
}

pub(super) fn now(clock: &dyn Clock) -> Timestamp {
    time::to_timestamp(clock.now())
}

/// Versions are signed on the wire and in both engines. No stream reaches the limit.
pub(super) fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
