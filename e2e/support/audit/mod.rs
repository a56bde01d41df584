//! Audits the whole log, event by event: folds stock, orders and sagas, and reports events that violate the rules.
//!
//! It implements the rules from the documents alone and shares no code with the services.

mod ledger;
mod money;
mod orders;
mod sagas;
mod stock;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use test_shop::Store;

use super::databases::{Database, StoredEvent};
pub use ledger::LedgerSums;
pub use orders::Status;
pub use sagas::Ended;

use orders::Order;
use sagas::Sagas;
use stock::Stock;

/// The maximum number of problems shown.
const MAX_SHOWN: usize = 20;

/// The state that the log results in.
#[derive(Debug, Default)]
pub struct Audit {
    pub head: i64,
    versions: HashMap<(String, String), i64>,
    pub orders: HashMap<String, Order>,
    pub stock: HashMap<String, Stock>,
    pub sagas: Sagas,
    /// Violations of the rules.
    pub problems: Vec<String>,
}

impl Audit {
    /// Reads the log of a store to its end.
    pub async fn of(store: &Store) -> Result<Self> {
        let mut database = Database::events(store).await?;
        let mut audit = Self::default();
        loop {
            let page = database.page(audit.head).await?;
            if page.is_empty() {
                break;
            }
            for event in page {
                if let Err(problem) = audit.take(&event) {
                    let (position, name) = (event.position, &event.event_type);
                    audit.note(format!(
                        "{position} {name} of {}: {problem:#}",
                        event.stream
                    ));
                }
            }
        }
        database.close().await?;
        Ok(audit)
    }

    pub fn note(&mut self, problem: String) {
        self.problems.push(problem);
    }

    /// Fails if there is any violation.
    pub fn verdict(&self) -> Result<()> {
        if !self.problems.is_empty() {
            let shown: Vec<_> = self.problems.iter().take(MAX_SHOWN).cloned().collect();
            let count = self.problems.len();
            bail!("{count} contradictions:\n{}", shown.join("\n"));
        }
        Ok(())
    }

    fn see(&mut self, event: &StoredEvent) {
        if let Err(problem) = self.take(event) {
            let (position, name, stream) = (event.position, &event.event_type, &event.stream);
            self.note(format!("{position} {name} of {stream}: {problem:#}"));
        }
    }

    fn take(&mut self, event: &StoredEvent) -> Result<()> {
        let adjacent = self.head + 1;
        self.head = event.position;
        ensure!(event.position == adjacent, "expected position {adjacent}");
        let stream = (event.category.clone(), event.stream.clone());
        let version = self.versions.entry(stream).or_default();
        *version += 1;
        let expected = *version;
        ensure!(event.version == expected, "expected version {expected}");
        match event.category.as_str() {
            "stock" => self
                .stock
                .entry(event.stream.clone())
                .or_default()
                .take(event),
            "order" if event.event_type == "OrderCreated" => {
                let order = Order::created(&event.data)?;
                let before = self.orders.insert(event.stream.clone(), order);
                ensure!(before.is_none(), "it was created twice");
                Ok(())
            }
            "order" => {
                let order = self.orders.get_mut(&event.stream);
                order.context("before its creation")?.take(event)
            }
            "order_saga" | "cancel_order_saga" => self.sagas.take(event),
            _ => Ok(()),
        }
    }
}

/// An integer field of an event.
fn int(data: &Value, field: &str) -> Result<i64> {
    let value = data.get(field).and_then(Value::as_i64);
    value.with_context(|| format!("no number {field} in {data}"))
}

/// A string field of an event.
fn string(data: &Value, field: &str) -> Result<String> {
    let value = data.get(field).and_then(Value::as_str);
    Ok(value
        .with_context(|| format!("no text {field} in {data}"))?
        .to_owned())
}
