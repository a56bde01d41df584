//! The providers' ledger, summed up for each order.

use std::collections::HashMap;

use anyhow::{Result, bail};
use test_shop::Store;

use crate::support::Database;

/// A provider's actions for an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActionCounts {
    /// The number of actions, including reversed ones.
    pub times: u32,
    /// The number of actions that were not reversed.
    pub holds: u32,
    pub held_cents: i64,
}

/// The sums of the ledger.
#[derive(Debug, Default)]
pub struct LedgerSums {
    pub payments: HashMap<String, ActionCounts>,
    pub shipments: HashMap<String, ActionCounts>,
    /// Actions that the provider received more than once.
    pub repeated: usize,
    /// Actions that the provider declined.
    pub declined: usize,
}

impl LedgerSums {
    pub async fn of(store: &Store) -> Result<Self> {
        let mut database = Database::command(store).await?;
        let mut books = Self::default();
        for entry in database.ledger().await? {
            let ledger = match entry.kind.as_str() {
                "payment" => &mut books.payments,
                "shipment" => &mut books.shipments,
                kind => bail!("the audit does not know {kind} of the ledger"),
            };
            let dealt = ledger.entry(entry.order_id).or_default();
            if matches!(entry.state.as_str(), "done" | "compensated") {
                dealt.times += 1;
            }
            if entry.state == "done" {
                dealt.holds += 1;
                dealt.held_cents += entry.amount_cents;
            }
            books.repeated += usize::from(entry.deliveries > 1);
            books.declined += usize::from(entry.state == "declined");
        }
        database.close().await?;
        Ok(books)
    }
}
