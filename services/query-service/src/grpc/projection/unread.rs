//! The status of a request for which a database could not be read.

use event_sourcing::StoreError;
use tonic::Status;

use super::super::request::status;
use crate::queries::ReadError;

pub(super) fn unread(error: StoreError) -> Status {
    status(&ReadError::Store(error))
}
