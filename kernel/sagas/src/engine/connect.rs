//! Resolves the providers of all steps of a kind of saga, in every version of its definition, when the engine starts,
//! so that no saga reaches a step without a provider.

use std::sync::Arc;

use crate::definition::{AnyProvider, Saga, SagaDefinition, Step, StepKind};
use crate::registry::ProviderRegistry;

/// Why an engine does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// A definition is invalid, or contradicts another version.
    #[error("definition {definition} of saga {saga} is invalid: {flaw}")]
    Definition {
        /// The name of the saga's type.
        saga: &'static str,
        /// The version.
        definition: u32,
        /// The first rule that it breaks.
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

/// Wraps the provider of a step.
pub(crate) trait Layer<S: Saga>:
    Fn(&'static Step<S>, Arc<dyn AnyProvider<S>>) -> Arc<dyn AnyProvider<S>> + Send + 'static
{
}

impl<S: Saga, F> Layer<S> for F where
    F: Fn(&'static Step<S>, Arc<dyn AnyProvider<S>>) -> Arc<dyn AnyProvider<S>> + Send + 'static
{
}

type Provider<S> = Arc<dyn AnyProvider<S>>;

/// The provider of each external step, by version of the definition.
pub(super) struct Connections<S: Saga>(Vec<(u32, Vec<Option<Provider<S>>>)>);

impl<S: Saga> Connections<S> {
    /// Resolves the providers and validates the definitions.
    ///
    /// # Errors
    /// [`EngineError`] for an invalid definition, or a step without a provider.
    pub(super) fn try_new(
        registry: &ProviderRegistry,
        layer: impl Layer<S>,
    ) -> Result<Self, EngineError> {
        let mut connections = Vec::new();
        for of_version in S::DEFINITIONS {
            let definition = of_version.definition;
            if let Some(flaw) = of_version.validate() {
                let saga = S::NAME;
                return Err(EngineError::Definition {
                    saga,
                    definition,
                    flaw,
                });
            }
            let providers = of_version.steps().map(|step| match &step.kind {
                StepKind::Local { .. } => Ok(None),
                StepKind::External(external) => (external.connect)(registry)
                    .map(|provider| Some(layer(step, provider)))
                    .ok_or_else(|| no_provider(of_version, step)),
            });
            let providers = providers.collect::<Result<Vec<_>, _>>()?;
            connections.push((definition, providers));
        }
        Ok(Self(connections))
    }

    /// The provider of a step, if it is external.
    pub(super) fn provider(&self, definition: u32, step: usize) -> Option<&Provider<S>> {
        let mut definitions = self.0.iter();
        let (_, providers) = definitions.find(|(version, _)| *version == definition)?;
        providers.get(step)?.as_ref()
    }
}

fn no_provider<S: Saga>(of: &SagaDefinition<S>, step: &Step<S>) -> EngineError {
    EngineError::NoProvider {
        saga: S::NAME,
        definition: of.definition,
        step: step.name,
    }
}
