//! Why a command failed.

use event_sourcing::StoreError;
use platform::StartError;

pub fn unreadable(error: StoreError) -> StartError {
    StartError::failed("read the event store", error)
}
