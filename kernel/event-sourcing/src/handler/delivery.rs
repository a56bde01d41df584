//! What a handler knows of an event besides its data.

use crate::envelope::Envelope;

/// One try to have an event handled.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'d> {
    /// The handler's stored name.
    pub handler: &'d str,
    /// The event as it was stored.
    pub envelope: &'d Envelope,
    /// Counts the tries since the process read the event, from 1.
    pub attempt: u32,
}

impl Delivery<'_> {
    /// The same for each delivery of the event by this handler, and for nothing else: the other side tells a repeat by
    /// it.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}", self.handler, self.envelope.event_id)
    }
}
