//! The provider of each external step.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

/// Providers by the type of the step that they execute.
#[derive(Default)]
pub struct ProviderRegistry(HashMap<TypeId, Box<dyn Any + Send + Sync>>);

impl fmt::Debug for ProviderRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProviderRegistry({})", self.0.len())
    }
}

impl ProviderRegistry {
    /// Sets the provider of step `E`.
    pub(super) fn insert<E: 'static>(&mut self, provider: impl Any + Send + Sync) {
        self.0.insert(TypeId::of::<E>(), Box::new(provider));
    }

    /// The provider of step `E`, if there is one.
    pub(super) fn get<E: 'static, P: Any + Clone>(&self) -> Option<P> {
        self.0.get(&TypeId::of::<E>())?.downcast_ref().cloned()
    }
}
