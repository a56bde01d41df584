//! Sagas: work over several aggregates and providers that either completes as a whole or is compensated as a whole.
//!
//! To write a saga, begin with these four:
//!
//! 1. [`Saga`]: its data and its [`SagaDefinition`], the list of its steps. Its documentation holds a whole saga.
//! 2. [`ExternalStep`]: a step that calls another system; [`StepProvider`]: makes that call. Steps that only append
//!    events of this system are made by [`Step::local`].
//! 3. [`started`]: the first event of a saga, appended in the commit of the command that starts it.
//! 4. [`SagaEngine`]: runs the sagas, one engine in each process.
//!
//! `examples/saga.rs` is a whole program. Test a saga with `testing::check` (feature `testing`), which runs it with
//! every fault of every step. To read the crate, follow `next`, `advance` and `engine/drive.rs`.
//!
//! ```text
//!   definition   the steps of a saga, each action next to its compensation
//!   step         external steps, each a type with a request and a response, and their providers
//!   event        the saga log: what is recorded before and after each call; names: of its events
//!   state        the state of a saga, folded from its log; moves: the legal transitions
//!   next         what to do now: a pure function of the state and the time
//!   advance      one commit: the results of calls and everything that follows from them
//!   operation    an action at a provider: its key, its status, and how a call of it fails
//!   registry     the provider of each step
//!   retry_policy when a step is retried
//!   engine       owns partitions by lease, makes the calls, commits their results
//!   status       the status of a saga as clients see it
//!   summary      a saga as operators see it
//!   operator     what operators do to a saga that cannot continue by itself
//!   saga_type    one kind of sagas, erased
//!   directory    the sagas of a process, of all types: found, listed, shown, and changed by operators
//!   testing      runs a saga with every fault of every step
//! ```
//!
//! The ideas are those of Garcia-Molina and Salem's "Sagas" (1987), with pivot and retriable steps as in Mehrotra et
//! al. (1992). The intent to call is recorded before the call, so that after a crash the next owner asks the provider
//! for its status; a compensation closes the key of the action it undoes, so that a late action is rejected; and the
//! result of a call, the domain's events and the intent of the next call are one commit, fenced by the owner's lease.

// Unit tests and integration tests share the sagas that they test, which name the crate as a dependency.
#[cfg(test)]
extern crate self as sagas;

mod advance;
pub mod definition;
pub mod directory;
pub mod engine;
pub mod event;
pub mod fields;
pub mod names;
pub mod next;
pub mod operation;
pub mod operator;
mod registry;
mod retry_policy;
mod saga_type;
mod span;
mod start;
pub mod state;
pub mod status;
pub mod step;
pub mod summary;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;
mod transitions;
mod unsupported;

pub use definition::{
    CALL_TIMEOUT, End, EventOf, InvalidOutput, Local, Role, STEP_TIMEOUT, Saga, SagaDefinition,
    StateReader, Step, StepKind, StepRejected, Writes,
};
pub use directory::{SagaDirectory, SagaFilter, SagaPage};
pub use engine::{EngineBuilder, EngineConfig, EngineError, EngineTasks, SagaEngine};
pub use engine::{INDEX_SCHEMA_VERSION, INDEX_TYPE};
pub use event::{AnySagaEvent, SagaEvent, event_filter};
pub use next::{NextMove, Plan, next};
pub use operation::{
    CallError, CompensationResult, InvalidKey, MAX_RETRY_AFTER, OperationKey, OperationStatus,
    readable,
};
pub use operator::{ActionRejected, OperatorAction, OperatorCommand, cancel};
pub use retry_policy::RetryPolicy;
pub use saga_type::SagaAction;
pub use start::{PARTITIONS, partition_of, started};
pub use state::{Phase, Run, SagaOutcome, SagaState, StepState, StepStatus};
pub use status::{SagaStatus, UnknownStatus};
pub use step::{DataOf, ExternalStep, StepProvider, UndoStep};
pub use summary::Summary;
pub use transitions::IllegalTransition;
pub use unsupported::UnsupportedDefinition;

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
