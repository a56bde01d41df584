//! The first event of a saga.

use event_sourcing::event::Metadata;
use sha2::{Digest, Sha256};

use super::definition::{EventOf, Saga};
use super::event::{SagaEvent, Started};

/// The number of partitions of sagas; each has one owner at a time. Stored sagas depend on it.
pub const PARTITIONS: u16 = 64;

/// The partition of a new saga, from its id. It is stored with the saga.
#[must_use]
pub fn partition_of(saga_id: &str) -> u16 {
    let digest = Sha256::digest(saga_id.as_bytes());
    u16::from_be_bytes([digest[0], digest[1]]) % PARTITIONS
}

/// The first event of a saga, for the commit of the command that starts it. `subject` is what it is about, such as an
/// order's id; `saga_id` must be unique among sagas of all kinds.
#[must_use]
pub fn started<S: Saga>(
    saga_id: &str,
    subject: &str,
    data: S::Data,
    origin: Metadata,
) -> EventOf<S> {
    SagaEvent::Started(Started {
        saga_id: saga_id.to_owned(),
        subject: subject.to_owned(),
        saga_type: S::NAME.to_owned(),
        definition: S::DEFINITION_VERSION,
        partition: partition_of(saga_id),
        data,
        origin,
    })
}
