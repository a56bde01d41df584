//! Orders: each has legal transitions to one final status.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{int, string};
use crate::support::StoredEvent;

/// The status of an order, folded from its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Processing,
    Confirmed,
    Shipped,
    Delivered,
    Cancelled,
    Failed,
}

/// An order, folded from its stream.
#[derive(Debug)]
pub struct Order {
    pub user: String,
    pub total_cents: i64,
    pub items: Vec<(String, i64)>,
    pub status: Status,
    /// Its cancellation was requested.
    pub cancellation_requested: bool,
    /// The number of events of each kind.
    pub paid: u32,
    pub refunded: u32,
    pub arranged: u32,
    pub shipping_cancelled: u32,
}

impl Status {
    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Confirmed => "CONFIRMED",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::Cancelled => "CANCELLED",
            Self::Failed => "FAILED",
        }
    }
}

impl Order {
    pub(super) fn created(data: &Value) -> Result<Self> {
        let items = data.get("items").and_then(Value::as_array);
        let mut total = 0;
        let mut ordered = Vec::new();
        for item in items.context("no items")? {
            let quantity = int(item, "quantity")?;
            total += quantity * int(item, "price_cents")?;
            ordered.push((string(item, "product_id")?, quantity));
        }
        let total_cents = int(data, "total_cents")?;
        ensure!(total == total_cents, "the items cost {total} cents");
        Ok(Self {
            user: string(data, "user_id")?,
            total_cents,
            items: ordered,
            status: Status::Processing,
            cancellation_requested: false,
            paid: 0,
            refunded: 0,
            arranged: 0,
            shipping_cancelled: 0,
        })
    }

    /// Whether it is fulfilled, so that it may hold money and a shipment.
    pub fn is_fulfilled(&self) -> bool {
        use Status::{Confirmed, Delivered, Shipped};
        matches!(self.status, Confirmed | Shipped | Delivered)
    }

    pub(super) fn take(&mut self, event: &StoredEvent) -> Result<()> {
        use Status::{Cancelled, Confirmed, Delivered, Failed, Processing, Shipped};
        let status = self.status;
        let mut go = |from: &[Status], to| {
            self.status = to;
            ensure!(from.contains(&status), "it was {status:?}");
            Ok(())
        };
        match event.event_type.as_str() {
            "OrderConfirmed" => {
                ensure!(
                    !self.cancellation_requested,
                    "its cancellation was requested before"
                );
                go(&[Processing], Confirmed)
            }
            "OrderShipped" => {
                ensure!(
                    !self.cancellation_requested,
                    "its cancellation was requested before"
                );
                go(&[Confirmed], Shipped)
            }
            "OrderDelivered" => go(&[Shipped], Delivered),
            "OrderCancelled" => go(&[Processing, Confirmed], Cancelled),
            "OrderFailed" => go(&[Processing, Confirmed], Failed),
            "OrderCancellationRequested" => {
                ensure!(
                    !self.cancellation_requested,
                    "its cancellation was requested twice"
                );
                self.cancellation_requested = true;
                go(&[Processing, Confirmed], status)
            }
            "OrderPaymentProcessed" => once(&mut self.paid),
            "OrderPaymentRefunded" => once(&mut self.refunded),
            "OrderShippingArranged" => once(&mut self.arranged),
            "OrderShippingCancelled" => once(&mut self.shipping_cancelled),
            other => bail!("{other} is not an event of an order"),
        }
    }
}

fn once(count: &mut u32) -> Result<()> {
    *count += 1;
    ensure!(*count == 1, "it happened before");
    Ok(())
}
