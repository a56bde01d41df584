//! What a test says of a saga.

use async_trait::async_trait;
use event_sourcing::Actor;

use super::fake_provider::FakeProvider;
use super::test_env::TestEnv;
use crate::{EngineBuilder, OperatorAction, OperatorCommand, Run, Saga, SagaOutcome};

/// How a saga begins, what its providers answer, and what must hold at its end.
#[async_trait]
pub trait Scenario: Send + Sync + 'static {
    /// The saga.
    type Saga: Saga;

    /// Prepares the store and begins the saga; gives its id. Whatever fault is tested, the saga must be able to
    /// complete.
    async fn begin(&self, world: &TestEnv) -> String;

    /// Adds the providers of its steps, made by [`Book::provider`], to an engine.
    fn providers(&self, book: &FakeProvider, engine: EngineBuilder) -> EngineBuilder;

    /// What must be true at the end, in addition to what the kit knows by itself. What must be true of a saga that was
    /// compensated must be true of a completed one after the saga that cancels it.
    ///
    /// # Errors
    /// What is not.
    async fn check(&self, end: &End<'_, Self::Saga>) -> Result<(), String>;

    /// Whether what a step's provider did stays done when a saga that completed is cancelled, as with a letter that was
    /// sent.
    fn stays(&self, _step: &str) -> bool {
        false
    }

    /// Makes it impossible for a local step to be done, after the saga has begun. False if the test cannot.
    async fn refuse(&self, _world: &TestEnv, _step: &str) -> bool {
        false
    }

    /// Has the saga cancelled. False if it was refused.
    async fn cancel(&self, world: &TestEnv, saga_id: &str) -> bool {
        let by = Actor {
            id: "a customer".to_owned(),
            reason: "a change of mind".to_owned(),
        };
        let cancel = OperatorCommand::<Self::Saga>::new(saga_id, OperatorAction::Cancel, by);
        world.try_execute(&cancel).await.is_ok()
    }
}

/// The end of a saga.
#[derive(Debug)]
pub struct End<'a, S: Saga> {
    /// Its id.
    pub saga_id: &'a str,
    /// How it ended.
    pub outcome: SagaOutcome,
    /// The saga.
    pub run: &'a Run<S>,
    /// The store.
    pub world: &'a TestEnv,
}
