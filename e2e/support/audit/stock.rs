//! A product's stock: no piece appears, vanishes, or is reserved twice.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};

use super::{int, string};
use crate::support::StoredEvent;

/// The stock of a product.
#[derive(Debug, Default)]
pub struct Stock {
    pub on_hand: i64,
    pub reserved: i64,
    pub held: HashMap<String, i64>,
}

impl Stock {
    pub(super) fn take(&mut self, event: &StoredEvent) -> Result<()> {
        let data = &event.data;
        let name = event.event_type.as_str();
        match name {
            "StockClosed" => return Ok(()),
            "StockUpdated" => self.on_hand = int(data, "on_hand")?,
            "StockReserved" => {
                let (order, quantity) = (string(data, "order_id")?, int(data, "quantity")?);
                ensure!(quantity > 0, "holds {quantity}");
                self.reserved += quantity;
                let before = self.held.insert(order, quantity);
                ensure!(before.is_none(), "an order holds it twice");
            }
            "StockReleased" | "StockDeducted" => {
                let (order, quantity) = (string(data, "order_id")?, int(data, "quantity")?);
                let held = self.held.remove(&order);
                self.reserved -= quantity;
                if name == "StockDeducted" {
                    self.on_hand -= quantity;
                }
                ensure!(held == Some(quantity), "{order} held {held:?}");
            }
            other => bail!("{other} is not an event of a stock"),
        }
        let stated = (int(data, "on_hand")?, int(data, "reserved")?);
        let is = (self.on_hand, self.reserved);
        ensure!(stated == is, "on hand and reserved are {is:?}");
        ensure!(0 <= is.1 && is.1 <= is.0, "oversold: {is:?}");
        Ok(())
    }
}
