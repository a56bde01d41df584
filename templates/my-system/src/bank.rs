//! The provider of the step `send_money`. This one stands for a bank, and remembers its transfers in memory: replace it by
//! calls to yours. What such a provider must guarantee is written at [`StepProvider`].

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sagas::{CallError, CompensationResult, OperationKey, OperationStatus, StepProvider};

use crate::payout::{SendMoney, Transfer};

#[derive(Clone, Debug)]
enum Entry {
    Sent(String),
    /// With whether there was something to reverse, for a repeat.
    Reversed(bool),
}

/// A bank without a network. It declines an IBAN that begins with `XX`, and is not reachable for one that begins with `ZZ`.
#[derive(Debug, Default)]
pub struct SimulatedBank(Mutex<BTreeMap<OperationKey, Entry>>);

impl SimulatedBank {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<OperationKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StepProvider<SendMoney> for SimulatedBank {
    async fn act(&self, key: &OperationKey, transfer: &Transfer) -> Result<String, CallError> {
        if transfer.iban.starts_with("XX") {
            return Err(CallError::declined("the bank does not know the IBAN"));
        }
        if transfer.iban.starts_with("ZZ") {
            return Err(CallError::transient("the bank cannot be reached"));
        }
        let reference = format!("{} cents to {}", transfer.cents, transfer.iban);
        let mut entries = self.entries();
        let entry = entries.entry(key.clone()).or_insert(Entry::Sent(reference));
        match entry {
            Entry::Sent(reference) => Ok(reference.clone()),
            Entry::Reversed(_) => Err(CallError::declined("the key is closed")),
        }
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<String>, CallError> {
        Ok(match self.entries().get(key) {
            Some(Entry::Sent(reference)) => OperationStatus::Done(reference.clone()),
            Some(Entry::Reversed(_)) => OperationStatus::Compensated,
            None => OperationStatus::Absent,
        })
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _transfer: &Transfer,
    ) -> Result<CompensationResult, CallError> {
        let mut entries = self.entries();
        let had_effect = match entries.get(key) {
            Some(Entry::Sent(_)) => true,
            Some(Entry::Reversed(had_effect)) => *had_effect,
            None => false,
        };
        entries.insert(key.clone(), Entry::Reversed(had_effect));
        Ok(CompensationResult {
            had_effect,
            ..CompensationResult::NOTHING
        })
    }
}
