//! The state shared by the resolvers of one request: its minimum position, the position that it has read, and its ids.
//!
//! A query carries the minimum position that it must reflect: the client's `X-Min-Position`, raised by every mutation of
//! the same request. The response carries the newest position of any of its parts: nothing in it is newer, so that a client
//! which sends it as its next minimum never sees an older state than it has seen. With the oldest position, the next
//! replica could return a state without what a newer part has shown. The newest position does not mean that every part
//! reflects all events up to it, only all up to the minimum: the queries of one request read several projections, which
//! share no checkpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use async_graphql::Context;
use event_sourcing::CommandId;

use crate::errors::{ApiError, Code};
use crate::graphql::Limits;
use crate::journal::Journal;
use crate::newest_position::NewestPosition;
use crate::origin::Origin;

/// The rows of a request may have so many times the bytes of the longest response.
const ROW_BYTES_PER_RESPONSE_BYTE: u64 = 4;

/// The state of one request.
#[derive(Debug)]
pub struct ExecutionContext {
    /// The outcomes of its mutations.
    pub journal: Journal,
    /// All command ids are derived from it.
    seed: CommandId,
    origin: Origin,
    /// The minimum position of the next query.
    required: AtomicU64,
    /// The newest position read or written.
    newest: NewestPosition,
    truncated: AtomicBool,
    /// What its resolvers have put into the response so far.
    objects: AtomicU64,
    bytes: AtomicU64,
    limits: Limits,
}

impl ExecutionContext {
    /// A request from `origin`. Its command ids are derived from `seed`, which is the same when the request is repeated
    /// with its Idempotency-Key.
    #[must_use]
    pub fn new(origin: Origin, seed: CommandId, minimum: Option<u64>, limits: Limits) -> Self {
        Self {
            journal: Journal::default(),
            seed,
            origin,
            required: AtomicU64::new(minimum.unwrap_or(0)),
            newest: NewestPosition::default(),
            truncated: AtomicBool::new(false),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            limits,
        }
    }

    /// The context of the request that is being executed.
    ///
    /// # Errors
    /// The schema was executed without one, which is a bug.
    pub fn of<'a>(context: &Context<'a>) -> Result<&'a Self, ApiError> {
        context
            .data::<Arc<Self>>()
            .map(AsRef::as_ref)
            .map_err(|error| ApiError::internal(error.message))
    }

    /// The origin of the request.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The id of the command of the mutation at this path. Repeating the request derives the same id.
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

    /// The position that the next query must reflect; 0 if any.
    #[must_use]
    pub fn required(&self) -> u64 {
        self.required.load(Relaxed)
    }

    /// Records the position of a query's reply.
    pub fn reflect(&self, position: u64) {
        self.newest.note(position);
    }

    /// Records the position of a command's reply, so that later queries of the request reflect it.
    pub fn committed_at(&self, position: u64) {
        self.required.fetch_max(position, Relaxed);
        self.reflect(position);
    }

    /// Records whether a list was truncated at the limit of lists without paging.
    pub fn note_truncated(&self, truncated: bool) {
        if truncated {
            self.truncated.store(true, Relaxed);
        }
    }

    /// Whether any list was truncated.
    #[must_use]
    pub fn was_truncated(&self) -> bool {
        self.truncated.load(Relaxed)
    }

    /// Counts objects that a resolver puts into the response, and the bytes of their rows, before it builds them: the
    /// limits hold for what a request returns, whatever was assumed about it before it was executed. The bytes include
    /// fields that the request does not select, so they limit the memory that a request takes, and not its response, whose
    /// bytes are counted when it is written.
    ///
    /// # Errors
    /// The response would exceed a limit.
    pub fn count(&self, objects: u64, bytes: u64) -> Result<(), ApiError> {
        let add =
            |counter: &AtomicU64, more: u64| counter.fetch_add(more, Relaxed).saturating_add(more);
        let objects = add(&self.objects, objects);
        let bytes = add(&self.bytes, bytes);
        let Limits {
            complexity,
            response_bytes,
            ..
        } = self.limits;
        if objects > u64::from(complexity) {
            let message = format!("a response has at most {complexity} objects");
            return Err(ApiError::new(Code::QueryTooComplex, message));
        }
        let row_bytes = u64::from(response_bytes) * ROW_BYTES_PER_RESPONSE_BYTE;
        if bytes > row_bytes {
            let message = format!(
                "the rows of a request have at most {row_bytes} bytes: ask for smaller lists"
            );
            return Err(ApiError::new(Code::QueryTooComplex, message));
        }
        Ok(())
    }

    /// The newest position read or written, if any.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.newest.get()
    }
}

/// The response is longer than `limit`, in bytes.
#[must_use]
pub fn too_long(limit: u32) -> ApiError {
    let message = format!("a response has at most {limit} bytes: select less, or smaller lists");
    ApiError::new(Code::QueryTooComplex, message)
}
