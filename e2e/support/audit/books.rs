//! What the providers' book says of each order.

use std::collections::HashMap;

use anyhow::Result;
use test_shop::Store;

use crate::support::Database;

/// What a provider did for an order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dealt {
    /// How often it did it, whether it was reversed or not.
    pub times: u32,
    /// How often that holds.
    pub holds: u32,
    pub held_cents: i64,
}

/// The book, added up.
#[derive(Debug, Default)]
pub struct Books {
    pub payments: HashMap<String, Dealt>,
    pub shipments: HashMap<String, Dealt>,
    /// Actions that came in more than once.
    pub repeated: usize,
    /// Actions that the provider refused.
    pub refused: usize,
}

impl Books {
    pub async fn of(store: &Store) -> Result<Self> {
        let mut database = Database::command(store).await?;
        let mut books = Self::default();
        for entry in database.book().await? {
            let book = match entry.kind.as_str() {
                "payment" => &mut books.payments,
                _ => &mut books.shipments,
            };
            let dealt = book.entry(entry.order_id).or_default();
            if matches!(entry.state.as_str(), "done" | "compensated") {
                dealt.times += 1;
            }
            if entry.state == "done" {
                dealt.holds += 1;
                dealt.held_cents += entry.amount_cents;
            }
            books.repeated += usize::from(entry.deliveries > 1);
            books.refused += usize::from(entry.state == "declined");
        }
        database.close().await?;
        Ok(books)
    }
}
