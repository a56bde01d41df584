//! What one request knows: the state that it must see, the state that it saw, its ids.
//!
//! A read carries the lowest position that it must reflect: the client's `X-Min-Position`, raised by every
//! mutation of the same request. The response carries the newest position that any of its parts was answered at: nothing
//! in it is newer, so that a client which sends it as its next minimum never sees less than it has seen. With the oldest,
//! whichever replica answers next could take back what a newer part had shown. The newest does not say that every part
//! reflects all events up to it, only all up to the minimum: reads of one request go to several projections, which share
//! no checkpoint (the read side's `reads::read` says more).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use async_graphql::Context;
use contract::metadata;
use event_sourcing::CommandId;
use tonic::metadata::MetadataMap;

use super::journal::Journal;
use super::loaders::Loaders;
use super::origin::Origin;
use super::services::Services;
use crate::errors::ApiError;

#[derive(Debug)]
pub struct RequestContext {
    pub services: Services,
    pub loaders: Loaders,
    /// What its mutations came to.
    pub journal: Journal,
    /// All command ids are derived from it.
    seed: CommandId,
    origin: Origin,
    /// What the client asked for.
    minimum: Option<u64>,
    /// What the next read must reflect.
    required: AtomicU64,
    /// One above the newest position of what was read and written; 0 before anything was.
    above_newest: AtomicU64,
    truncated: AtomicBool,
}

impl RequestContext {
    /// A request from `origin`; its commands are named after `seed`, which is the same again when the request is
    /// repeated under an Idempotency-Key.
    #[must_use]
    pub fn new(services: Services, origin: Origin, seed: CommandId, minimum: Option<u64>) -> Self {
        Self {
            services,
            loaders: Loaders::default(),
            journal: Journal::default(),
            seed,
            origin,
            minimum,
            required: AtomicU64::new(minimum.unwrap_or(0)),
            above_newest: AtomicU64::new(0),
            truncated: AtomicBool::new(false),
        }
    }

    /// The scope of the request that is being executed.
    ///
    /// # Errors
    /// Somebody executed the schema without one.
    pub fn of<'a>(context: &Context<'a>) -> Result<&'a Self, ApiError> {
        context
            .data::<Arc<Self>>()
            .map(AsRef::as_ref)
            .map_err(|error| ApiError::internal(error.message))
    }

    /// The id of the command that the mutation at this place sends.
    #[must_use]
    pub fn command_id(&self, context: &Context<'_>) -> CommandId {
        let place = context
            .path_node
            .map(|path| path.to_string_vec().join("."))
            .unwrap_or_default();
        let command_id = self.seed.child(&place);
        self.journal.enter(&place, context.item.pos, command_id);
        command_id
    }

    /// Sets what every call carries.
    pub(crate) fn annotate(&self, metadata: &mut MetadataMap) {
        self.origin.annotate(metadata);
    }

    /// Sets what a read carries.
    pub(crate) fn annotate_read(&self, metadata: &mut MetadataMap) {
        self.annotate(metadata);
        let required = self.required.load(Relaxed);
        if required > 0 {
            metadata::insert_position(metadata, metadata::MIN_POSITION, required);
        }
    }

    /// A read was answered.
    pub(crate) fn read_at(&self, reply: &MetadataMap) {
        if let Ok(Some(position)) = metadata::position(reply, metadata::POSITION) {
            self.reflect(position);
        }
    }

    /// A command was answered: reads that follow see it. Gives where it took effect.
    pub(crate) fn committed_at(&self, reply: &MetadataMap) -> Option<u64> {
        let position = metadata::position(reply, metadata::POSITION).ok().flatten();
        if let Some(position) = position {
            self.required.fetch_max(position, Relaxed);
            self.reflect(position);
        }
        self.loaders.forget();
        position
    }

    fn reflect(&self, position: u64) {
        self.above_newest
            .fetch_max(position.saturating_add(1), Relaxed);
        self.services.saw(position);
    }

    /// A list was cut at the limit of lists without paging.
    pub fn note_truncated(&self, truncated: bool) {
        if truncated {
            self.truncated.store(true, Relaxed);
        }
    }

    /// Whether any list was cut.
    #[must_use]
    pub fn was_truncated(&self) -> bool {
        self.truncated.load(Relaxed)
    }

    /// The position that the response reflects: the newest of what was read and written, at least what the client asked
    /// for; that alone if nothing was.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        let newest = self.above_newest.load(Relaxed).checked_sub(1);
        newest.max(self.minimum)
    }
}
