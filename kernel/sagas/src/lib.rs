//! Sagas: work over several aggregates and providers that ends wholly done or wholly undone.
//!
//! ```text
//!   definition   the table: each step with its action beside its compensation
//!   step         external steps: each a type with its request and its response, and who carries it out
//!   event        the ledger: what is written down, before each call and after it; names: of its events
//!   state        where a saga stands; moves: what is legal from there
//!   next         what to do now: a pure function of the state and the time
//!   operation    an action at a provider: its key, and what is known of it
//!   registry     who carries out which step
//!   engine       owns partitions by lease, makes the calls, commits what it hears
//!   status       the same in one word
//!   summary      where a saga stands, for people
//!   person       what people do to sagas that cannot go on by themselves
//!   testing      the kit that tests a saga: every step with every fault
//! ```
//!
//! The ideas are those of Garcia-Molina and Salem's "Sagas" (1987), with pivot and retriable steps as in Mehrotra et
//! al. (1992). A call is written down before it is made, so that after a crash somebody asks the provider what became
//! of it; a compensation closes the key of what it undoes, so that a late action cannot come after it; and the word of
//! a call, the events of the domain and the announcement of the next call are one commit, fenced by the owner's
//! lease.

// So that the sagas of the tests are written once, for those beside the code and those outside of it.
#[cfg(test)]
extern crate self as sagas;

mod advance;
pub mod definition;
pub mod engine;
pub mod event;
pub mod fields;
mod moves;
pub mod names;
pub mod next;
pub mod operation;
pub mod operator;
mod registry;
mod start;
pub mod state;
pub mod status;
pub mod step;
pub mod summary;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(test)]
mod tests;

pub use definition::{
    CALL_TIMEOUT, End, EventOf, Local, Misfit, RetryPolicy, Role, STEP_TIMEOUT, Saga,
    SagaDefinition, StateReader, Step, StepKind, StepRejected, Writes,
};
pub use engine::{EngineBuilder, EngineConfig, EngineError, EngineTasks, SagaEngine};
pub use event::{AnySagaEvent, SagaEvent, event_filter};
pub use moves::IllegalMove;
pub use next::{NextMove, Plan, next};
pub use operation::{
    CallError, CompensationResult, InvalidKey, MAX_RETRY_AFTER, OperationKey, OperationStatus,
    readable,
};
pub use operator::{ActionRejected, OperatorAction, OperatorCommand, cancel};
pub use start::{PARTITIONS, partition_of, started};
pub use state::{Phase, Run, SagaOutcome, SagaState, StepState, StepStatus};
pub use status::{SagaStatus, UnknownStatus};
pub use step::{DataOf, ExternalStep, StepProvider, UndoStep};
pub use summary::Summary;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
