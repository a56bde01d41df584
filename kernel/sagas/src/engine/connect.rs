//! The providers of all steps of a kind of saga, in every version of its table: found when the engine starts, so that
//! no saga reaches a step without a provider.

use std::sync::Arc;

use crate::definition::{AnyProvider, Saga, SagaDefinition, Step, StepKind};
use crate::registry::ProviderRegistry;

/// Why an engine does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A table is not well formed, or does not go with another version of it.
    #[error("definition {definition} of saga {saga} is wrong: {flaw}")]
    Definition {
        /// The name of the saga's type.
        saga: &'static str,
        /// The version.
        definition: u32,
        /// What is wrong.
        flaw: String,
    },
    /// A step has no provider.
    #[error("step {step} of definition {definition} of saga {saga} has no provider")]
    NoProvider {
        /// The name of the saga's type.
        saga: &'static str,
        /// The version.
        definition: u32,
        /// The step.
        step: &'static str,
    },
}

/// Puts something around the provider of a step.
pub(crate) trait Layer<S: Saga>:
    Fn(&'static Step<S>, Arc<dyn AnyProvider<S>>) -> Arc<dyn AnyProvider<S>> + Send + 'static
{
}

impl<S: Saga, F> Layer<S> for F where
    F: Fn(&'static Step<S>, Arc<dyn AnyProvider<S>>) -> Arc<dyn AnyProvider<S>> + Send + 'static
{
}

type Provider<S> = Arc<dyn AnyProvider<S>>;

/// The provider of each external step, by the version of the table.
pub(super) struct Connections<S: Saga>(Vec<(u32, Vec<Option<Provider<S>>>)>);

impl<S: Saga> Connections<S> {
    /// Finds them.
    ///
    /// # Errors
    /// [`EngineError`].
    pub(super) fn try_new(
        registry: &ProviderRegistry,
        layer: impl Layer<S>,
    ) -> Result<Self, EngineError> {
        let mut connections = Vec::new();
        for table in S::DEFINITIONS {
            let definition = table.definition;
            if let Some(flaw) = table.validate() {
                let saga = S::NAME;
                return Err(EngineError::Definition {
                    saga,
                    definition,
                    flaw,
                });
            }
            let providers = table.steps().map(|step| match &step.kind {
                StepKind::Local { .. } => Ok(None),
                StepKind::External(external) => (external.connect)(registry)
                    .map(|provider| Some(layer(step, provider)))
                    .ok_or_else(|| no_provider(table, step)),
            });
            let providers = providers.collect::<Result<Vec<_>, _>>()?;
            connections.push((definition, providers));
        }
        Ok(Self(connections))
    }

    /// The provider of a step, if it is external.
    pub(super) fn provider(&self, definition: u32, step: usize) -> Option<&Provider<S>> {
        let mut tables = self.0.iter();
        let (_, providers) = tables.find(|(version, _)| *version == definition)?;
        providers.get(step)?.as_ref()
    }
}

fn no_provider<S: Saga>(table: &SagaDefinition<S>, step: &Step<S>) -> EngineError {
    EngineError::NoProvider {
        saga: S::NAME,
        definition: table.definition,
        step: step.name,
    }
}
