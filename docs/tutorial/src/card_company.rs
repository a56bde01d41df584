//! The provider of the step `charge_card`: a card company that keeps its accounts in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use sagas::{CallError, CompensationResult, OperationKey, OperationStatus, StepProvider};

use crate::booking::{Charge, ChargeCard};

#[derive(Clone, Debug)]
enum Entry {
    Charged(String),
    /// With whether there was something to reverse, for a repeat.
    Reversed(bool),
}

/// What became of each key. A real provider stores this, and is on the other side of a network.
#[derive(Debug, Default)]
pub struct CardCompany(Mutex<BTreeMap<OperationKey, Entry>>);

impl CardCompany {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<OperationKey, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StepProvider<ChargeCard> for CardCompany {
    async fn act(&self, key: &OperationKey, charge: &Charge) -> Result<String, CallError> {
        if charge.card == "expired" {
            return Err(CallError::declined("the card has expired"));
        }
        let receipt = format!("{} cents from card {}", charge.cents, charge.card);
        let mut entries = self.entries();
        match entries
            .entry(key.clone())
            .or_insert(Entry::Charged(receipt))
        {
            Entry::Charged(receipt) => Ok(receipt.clone()),
            Entry::Reversed(_) => Err(CallError::declined("the key is closed")),
        }
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<String>, CallError> {
        Ok(match self.entries().get(key) {
            Some(Entry::Charged(receipt)) => OperationStatus::Done(receipt.clone()),
            Some(Entry::Reversed(_)) => OperationStatus::Compensated,
            None => OperationStatus::Absent,
        })
    }

    async fn undo(
        &self,
        key: &OperationKey,
        _charge: &Charge,
    ) -> Result<CompensationResult, CallError> {
        let mut entries = self.entries();
        let had_effect = match entries.get(key) {
            Some(Entry::Charged(_)) => true,
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
