//! The context of a delivered event.

use tracing::Span;

use crate::envelope::Envelope;
use crate::{fields, trace};

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
    /// In the trace of the event.
    pub(super) fn span(&self) -> Span {
        trace::continued(&self.envelope.metadata.trace, || {
            tracing::info_span!(
                target: trace::TARGET,
                "handle",
                otel.name = format!("handle {}", self.handler),
                otel.kind = "consumer",
                messaging.system = trace::MESSAGING_SYSTEM,
                messaging.operation.type = "process",
                messaging.operation.name = "handle",
                messaging.consumer.group.name = self.handler,
                messaging.message.id = %self.envelope.event_id,
                { fields::EVENT_TYPE } = self.envelope.event_type,
                { fields::ATTEMPT } = self.attempt,
            )
        })
    }

    /// The same for every delivery of the event by this handler, and unique to it: the receiver deduplicates by it.
    #[must_use]
    pub fn idempotency_key(&self) -> String {
        format!("{}/{}", self.handler, self.envelope.event_id)
    }
}
