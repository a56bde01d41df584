//! The context of a delivered event.

use crate::envelope::Envelope;

/// One attempt to deliver an event.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'d> {
    /// The handler's stored name.
    pub handler: &'d str,
    /// The stored event.
    pub envelope: &'d Envelope,
    /// The number of this attempt since the process read the event, from 1.
    pub attempt: u32,
}

impl Delivery<'_> {
    /// The same for every delivery of the event by this handler, and unique to it: the receiver deduplicates by it.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}", self.handler, self.envelope.event_id)
    }
}
