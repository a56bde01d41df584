//! A provider without faults: each action takes effect once for its key, and never under a closed key.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use crate::{
    CallError, CompensationResult, ExternalStep, OperationKey, OperationStatus, StepProvider,
};

/// The provider of all steps: records which action took effect under which key. Clones share their records.
#[derive(Clone, Debug, Default)]
pub struct FakeProvider(Arc<Pages>);

#[derive(Debug, Default)]
struct Pages {
    entries: Mutex<BTreeMap<OperationKey, Entry>>,
    /// The step whose keys its provider cannot close.
    keeps_open: Mutex<Option<&'static str>>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    step: &'static str,
    /// The response of the action, if it took effect.
    output: Option<Value>,
    /// How often it took effect.
    effects: usize,
    is_undone: bool,
    is_closed: bool,
    is_declined: bool,
}

/// An action that took effect and was not undone.
#[derive(Clone, Debug)]
pub(super) struct AppliedEffect {
    /// The step.
    pub(super) step: &'static str,
    /// Its key.
    pub(super) key: OperationKey,
}

impl FakeProvider {
    /// The provider of a step. `answer` makes the response of an action that takes effect.
    pub fn provider<E: ExternalStep>(
        &self,
        answer: impl Fn(&E::Request) -> E::Response + Send + Sync + 'static,
    ) -> Arc<dyn StepProvider<E>> {
        Arc::new(FakeStep::<E> {
            provider: self.clone(),
            answer: Box::new(answer),
        })
    }

    /// From here on an undo leaves the keys of `step` open, and of no other step.
    pub(super) fn keep_open(&self, step: Option<&'static str>) {
        *self.0.keeps_open.lock() = step;
    }

    /// The actions that took effect and were not undone.
    pub(super) fn applied_effects(&self) -> Vec<AppliedEffect> {
        let entries = self.0.entries.lock();
        let applied = entries
            .iter()
            .filter(|(_, entry)| entry.output.is_some() && !entry.is_undone);
        let effects = applied.map(|(key, entry)| AppliedEffect {
            step: entry.step,
            key: key.clone(),
        });
        effects.collect()
    }

    /// Actions that took effect more than once.
    pub(super) fn applied_twice(&self) -> Vec<OperationKey> {
        let entries = self.0.entries.lock();
        let doubled = entries.iter().filter(|(_, entry)| entry.effects > 1);
        doubled.map(|(key, _)| key.clone()).collect()
    }

    /// Declines every action under the key.
    pub(super) fn decline(&self, key: &OperationKey, step: &'static str) -> CallError {
        self.with(key, step, |entry| entry.is_declined = true);
        CallError::Declined("declined".to_owned())
    }

    fn with<T>(
        &self,
        key: &OperationKey,
        step: &'static str,
        ask: impl FnOnce(&mut Entry) -> T,
    ) -> T {
        let mut entries = self.0.entries.lock();
        let entry = entries.entry(key.clone()).or_default();
        entry.step = step;
        ask(entry)
    }
}

type FakeAnswer<E> =
    Box<dyn Fn(&<E as ExternalStep>::Request) -> <E as ExternalStep>::Response + Send + Sync>;

/// The provider of one step.
struct FakeStep<E: ExternalStep> {
    provider: FakeProvider,
    answer: FakeAnswer<E>,
}

impl<E: ExternalStep> fmt::Debug for FakeStep<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeStep({})", E::NAME)
    }
}

/// Reads a stored response, as the step does.
fn read<E: ExternalStep>(output: &Value) -> Result<E::Response, CallError> {
    E::read(output).map_err(|error| CallError::unknown(error.to_string()))
}

#[async_trait]
impl<E: ExternalStep> StepProvider<E> for FakeStep<E> {
    async fn act(
        &self,
        key: &OperationKey,
        request: &E::Request,
    ) -> Result<E::Response, CallError> {
        self.provider.with(key, E::NAME, |entry| {
            if entry.is_closed || entry.is_declined {
                return Err(CallError::Declined("the key is closed".to_owned()));
            }
            if let Some(output) = entry.output.as_ref().filter(|_| !entry.is_undone) {
                return read::<E>(output);
            }
            let response = (self.answer)(request);
            let output = serde_json::to_value(&response);
            let output = output.map_err(|error| CallError::unknown(error.to_string()))?;
            entry.effects += 1;
            (entry.output, entry.is_undone) = (Some(output), false);
            Ok(response)
        })
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<E::Response>, CallError> {
        self.provider
            .with(key, E::NAME, |entry| match &entry.output {
                _ if entry.is_declined => Ok(OperationStatus::Declined("declined".to_owned())),
                _ if entry.is_undone => Ok(OperationStatus::Compensated),
                Some(output) => read::<E>(output).map(OperationStatus::Done),
                None => Ok(OperationStatus::Absent),
            })
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _request: &E::Request,
    ) -> Result<CompensationResult, CallError> {
        let closes = *self.provider.0.keeps_open.lock() != Some(E::NAME);
        Ok(self.provider.with(key, E::NAME, |entry| {
            entry.is_undone = true;
            entry.is_closed |= closes;
            CompensationResult {
                had_effect: entry.output.is_some(),
                reference: Some(format!("undo of {key}")),
                key_closed: closes,
            }
        }))
    }
}
