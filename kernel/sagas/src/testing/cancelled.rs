//! A saga that completes before a case starts and that the case's saga cancels.

use std::sync::Arc;

use async_trait::async_trait;

use super::case::{Case, Precondition};
use super::fake_provider::FakeProvider;
use super::scenario::{End, Scenario};
use super::test_env::TestEnv;
use crate::{Saga, SagaDefinition, SagaOutcome, SagaState};

/// A scenario whose saga completes by one version of its definition.
pub(super) struct Completed<C: Scenario> {
    pub(super) scenario: Arc<C>,
    pub(super) definition: &'static SagaDefinition<C::Saga>,
}

#[async_trait]
impl<C: Scenario> Precondition for Completed<C> {
    fn definition(&self) -> (&'static str, u32) {
        (C::Saga::STREAM, self.definition.definition)
    }

    async fn complete(
        &self,
        env: &Arc<TestEnv>,
        provider: &FakeProvider,
    ) -> Result<String, String> {
        let case = Case::without_fault(self.definition);
        let played = case
            .play(Arc::clone(&self.scenario), env, provider)
            .await
            .map_err(|failure| format!("{}, which is to be cancelled: {failure}", self.name()))?;
        Ok(played.saga_id)
    }

    async fn check(
        &self,
        saga_id: &str,
        env: &TestEnv,
        provider: &FakeProvider,
    ) -> Result<(), String> {
        let mut remaining: Vec<_> = provider
            .applied_effects()
            .iter()
            .map(|effect| effect.step)
            .collect();
        remaining.retain(|step| !self.scenario.stays(step));
        if !remaining.is_empty() {
            return Err(format!(
                "{} was cancelled, and the effects of {remaining:?} are not undone",
                self.name()
            ));
        }
        let state: SagaState<C::Saga> = env.state(saga_id).await;
        let run = state.run().ok_or("the cancelled saga is gone")?;
        let end = End {
            saga_id,
            outcome: SagaOutcome::Compensated,
            run,
            env,
        };
        let checked = self.scenario.check(&end).await;
        checked.map_err(|failure| format!("{} was cancelled, and {failure}", self.name()))
    }
}

impl<C: Scenario> Completed<C> {
    fn name(&self) -> String {
        format!(
            "{}, definition {}",
            C::Saga::NAME,
            self.definition.definition
        )
    }
}
