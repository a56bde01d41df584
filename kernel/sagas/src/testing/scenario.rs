//! What a test supplies about a saga.

use async_trait::async_trait;
use event_sourcing::Actor;

use super::fake_provider::FakeProvider;
use super::test_env::TestEnv;
use crate::{EngineBuilder, OperatorAction, OperatorCommand, Run, Saga, SagaOutcome};

/// Starts a saga, supplies its providers, and checks its end.
#[async_trait]
pub trait Scenario: Send + Sync + 'static {
    /// The saga.
    type Saga: Saga;

    /// Prepares the store and starts the saga; returns its id. Apart from the fault, the saga must be able to complete.
    async fn begin(&self, env: &TestEnv) -> String;

    /// Adds the providers of its steps, made by [`FakeProvider::provider`], to an engine.
    fn providers(&self, provider: &FakeProvider, engine: EngineBuilder) -> EngineBuilder;

    /// Checks the end, in addition to the checks of the kit. A completed saga that another saga has cancelled is checked as a
    /// compensated one.
    ///
    /// # Errors
    /// The first check that fails, as text.
    async fn check(&self, end: &End<'_, Self::Saga>) -> Result<(), String>;

    /// Whether the effect of a step remains when a completed saga is cancelled, as with a letter that was sent.
    fn stays(&self, _step: &str) -> bool {
        false
    }

    /// Makes the domain reject a local step, after the saga was started. Returns false if the test cannot.
    async fn reject_step(&self, _env: &TestEnv, _step: &str) -> bool {
        false
    }

    /// Cancels the saga. Returns false if that was rejected.
    async fn cancel(&self, env: &TestEnv, saga_id: &str) -> bool {
        let by = Actor {
            id: "a customer".to_owned(),
            reason: "a change of mind".to_owned(),
        };
        let cancel = OperatorCommand::<Self::Saga>::new(saga_id, OperatorAction::Cancel, by);
        env.try_execute(&cancel).await.is_ok()
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
    /// The environment of the case: the event store, as another process sees it.
    pub env: &'a TestEnv,
}
