//! The invariants between orders, their sagas, stock and the providers' ledger, once every saga has ended.

use std::collections::{BTreeMap, HashMap};

use super::ledger::ActionCounts;
use super::{Audit, Ended, LedgerSums, Order, Status};

impl Audit {
    /// Records every order without a final status, with something that it must not hold, or without something that it must.
    pub fn check_ends(&mut self, books: &LedgerSums) {
        let mut sagas: HashMap<&str, Vec<(bool, Option<Ended>)>> = HashMap::new();
        for saga in self.sagas.by_id.values() {
            let of_order = sagas.entry(&saga.order_id).or_default();
            of_order.push((saga.is_cancelling, saga.end.map(|(_, how)| how)));
        }
        let mut holding: HashMap<&str, BTreeMap<&str, i64>> = HashMap::new();
        for (product, stock) in &self.stock {
            for (order, quantity) in &stock.held {
                holding.entry(order).or_default().insert(product, *quantity);
            }
        }
        let mut problems = Vec::new();
        for (id, order) in &self.orders {
            let mut ends = sagas.remove(id.as_str()).unwrap_or_default();
            ends.sort_by_key(|(is_cancelling, _)| *is_cancelling);
            let held = holding.remove(id.as_str()).unwrap_or_default();
            let dealt = |ledger: &HashMap<String, ActionCounts>| {
                ledger.get(id).copied().unwrap_or_default()
            };
            let dealt = (dealt(&books.payments), dealt(&books.shipments));
            let seen = [
                ends_fit(order, &ends),
                stock_fits(order, &held),
                deals_fit(order, dealt),
            ];
            for problem in seen.into_iter().filter_map(Result::err) {
                problems.push(format!("order {id}: {problem}; {order:?}"));
            }
        }
        for id in books.payments.keys().chain(books.shipments.keys()) {
            if !self.orders.contains_key(id) {
                problems.push(format!(
                    "the providers know the order {id}, the log does not"
                ));
            }
        }
        problems.extend(sagas.keys().map(|id| format!("a saga of no order {id}")));
        problems.extend(
            holding
                .keys()
                .map(|id| format!("no order {id} holds stock")),
        );
        self.problems.extend(problems);
    }

    /// The total of the fulfilled orders, and the amount that the payment provider holds.
    pub fn money(&self, books: &LedgerSums) -> (i64, i64) {
        let fulfilled = self.orders.values().filter(|order| order.is_fulfilled());
        let held = books.payments.values().map(|dealt| dealt.held_cents);
        (fulfilled.map(|order| order.total_cents).sum(), held.sum())
    }
}

type CheckResult = Result<(), String>;

/// The order has a final status, and its sagas the matching ones.
fn ends_fit(order: &Order, ends: &[(bool, Option<Ended>)]) -> CheckResult {
    let fulfilled = (false, Some(Ended::Completed));
    let fits = match order.status {
        Status::Confirmed | Status::Shipped | Status::Delivered => {
            !order.cancellation_requested && ends == [fulfilled]
        }
        Status::Cancelled => {
            let undone = ends == [(false, Some(Ended::Compensated))];
            let cancelled = ends == [fulfilled, (true, Some(Ended::Completed))];
            undone || (cancelled && order.cancellation_requested)
        }
        Status::Processing | Status::Failed => false,
    };
    if fits {
        return Ok(());
    }
    Err(format!("its sagas (cancelling, end) are {ends:?}"))
}

/// A confirmed order holds its items; every other order holds nothing.
fn stock_fits(order: &Order, held: &BTreeMap<&str, i64>) -> CheckResult {
    let due: BTreeMap<&str, i64> = match order.status {
        Status::Confirmed => {
            let items = order.items.iter();
            items
                .map(|(id, quantity)| (id.as_str(), *quantity))
                .collect()
        }
        _ => BTreeMap::new(),
    };
    if *held == due {
        return Ok(());
    }
    Err(format!("it holds {held:?}"))
}

/// A fulfilled order is paid and shipped once. Of every other order nothing holds, neither in the ledger nor in the log.
fn deals_fit(order: &Order, (payment, shipment): (ActionCounts, ActionCounts)) -> CheckResult {
    let times = (payment.times, shipment.times);
    if times.0 > 1 || times.1 > 1 {
        return Err(format!("paid and shipped {times:?} times"));
    }
    let is_kept = order.is_fulfilled();
    let due = u32::from(is_kept);
    let due_cents = if is_kept { order.total_cents } else { 0 };
    if (payment.holds, shipment.holds, payment.held_cents) != (due, due, due_cents) {
        return Err(format!("the ledger has {payment:?} and {shipment:?}"));
    }
    let by_log = [
        (order.paid, order.refunded, payment),
        (order.arranged, order.shipping_cancelled, shipment),
    ];
    for (done, undone, dealt) in by_log {
        // An action that was compensated while its outcome was unknown is in the log only as compensated.
        let fits = if is_kept {
            (done, undone) == (1, 0)
        } else {
            undone == dealt.times && done <= undone
        };
        if !fits {
            return Err(format!("its stream contradicts {dealt:?}"));
        }
    }
    Ok(())
}
