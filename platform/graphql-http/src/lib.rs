//! GraphQL over HTTP: everything between a socket and the resolvers of a schema.
//!
//! ```text
//!   http ──► graphql ──► the schema's resolvers
//!    │          │              │
//!    │          └── limits     └── ExecutionContext: command ids, positions, outcomes of mutations
//!    ├── Backend: claims of Idempotency-Keys, the log's head
//!    └── Subscriptions: the messages that WebSockets and event streams carry
//! ```
//!
//! [`router`] serves a schema with `/health` and `/metrics`. A request is parsed and measured against its [`Limits`] before any
//! resolver runs. Mutations derive their command ids from the request's seed ([`ExecutionContext::command_id`]) and record
//! what became of them in its [`Journal`], from which each error of the response gets its outcome. With an Idempotency-Key the
//! seed is the key's, and a repeat gets the stored response. What a field costs, and what the key is stored in, is the
//! user's: the schema's lists and their arguments determine the cost, and a [`Backend`] stores the answers.

mod backend;
#[cfg(test)]
mod documentation;
mod errors;
mod execution_context;
mod graphql;
mod hex;
mod http;
mod journal;
mod newest_position;
mod origin;
mod persisted;
mod position;
mod unique_keys;

pub use backend::{Backend, Claim, Lease};
pub use errors::{
    ApiError, Code, FieldError, MutationOutcome, NOT_AVAILABLE, or_null, or_null_item,
};
pub use execution_context::ExecutionContext;
pub use graphql::{
    AtMost, ConnectionOf, DateTime, Decimal, Engine, Executed, Executor, Extra, ForAdmins,
    ForCustomers, Identity, Limits, MAX_NESTING, OpenToAnyone, OperationId, Prepared, Query,
    ReplacedNumbers, SchemaError, SizedBy, ValidatedDocument, Weighs,
};
pub use http::{
    AllowedHosts, AllowedOrigins, Authentication, Clients, Endpoint, Explorer, GraphiqlError,
    GraphiqlFolder, HttpResponse, Item, LoadLimit, Outbox, RateLimit, Rejected, Responder, Sample,
    Site, SocketLimits, SubscriptionStart, Subscriptions, TrustedProxies, router,
};
pub use journal::{Entry, Journal};
pub use origin::Origin;
pub use persisted::{ManifestError, PersistedOperations, RegisteredOperations};
pub use position::parse_position;
