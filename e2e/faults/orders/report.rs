//! The final check: the log, the read models, the providers' ledger and the buyers' notes must agree, and enough must have
//! happened for the run to be meaningful.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use contract::proto::ListSagasParam;
use contract::proto::saga_command_client::SagaCommandClient;
use serde_json::{Value, json};
use test_shop::Operation;

use super::buyers::Notes;
use super::run::Fired;
use crate::support::{Audit, Ended, LedgerSums, Shop, Status, report, text};

/// The number of orders by outcome.
#[derive(Debug, Default)]
struct Outcomes {
    confirmed: usize,
    shipped: usize,
    out_of_stock: usize,
    payment_declined: usize,
    shipping_declined: usize,
    cancelled_before: usize,
    cancelled_after: usize,
}

/// Fails if there is a violation, or if too little happened.
pub async fn check(shop: &Shop, products: &[String], notes: &Notes, fired: &[Fired]) -> Result<()> {
    let mut audit = Audit::of(shop.system.store()).await?;
    let books = LedgerSums::of(shop.system.store()).await?;
    audit.check_ends(&books);
    let (due, held) = audit.money(&books);
    if due != held {
        audit.note(format!(
            "the fulfilled orders cost {due} cents, the provider holds {held}"
        ));
    }
    check_notes(&mut audit, notes);
    check_orders(shop, &mut audit).await?;
    check_products(shop, &mut audit, products).await?;
    check_open(shop, &mut audit).await?;

    let outcomes = Outcomes::of(&audit);
    let flights: Vec<_> = fired
        .iter()
        .map(|fired| audit.sagas.in_flight(fired.head))
        .collect();
    print(&audit, &books, notes, &outcomes, fired, &flights);
    audit.verdict()?;
    outcomes.floor(fired.len())?;
    let hits = flights.iter().filter(|(sagas, _)| *sagas > 0).count();
    let calls: usize = flights.iter().map(|(_, calls)| calls).sum();
    ensure!(
        hits * 5 >= fired.len() * 4,
        "only {hits} faults hit work in flight"
    );
    ensure!(calls >= fired.len(), "only {calls} calls were interrupted");
    ensure!(
        notes.repeated >= 10,
        "only {} requests were repeated",
        notes.repeated
    );
    ensure!(
        books.repeated >= 5,
        "only {} actions were received twice",
        books.repeated
    );
    ensure!(
        audit.sagas.unknown_calls >= 2,
        "only {} calls had an unknown outcome",
        audit.sagas.unknown_calls
    );
    Ok(())
}

fn print(
    audit: &Audit,
    books: &LedgerSums,
    notes: &Notes,
    outcomes: &Outcomes,
    fired: &[Fired],
    flights: &[(usize, usize)],
) {
    let (due, held) = audit.money(books);
    report(&format!(
        "  {} orders, {} sagas, {} events: {outcomes:?}",
        audit.orders.len(),
        audit.sagas.by_id.len(),
        audit.head
    ));
    report(&format!(
        "  {} requests repeated, {} retried without an answer; at the providers {} actions were received twice, {} \
         declined, {} calls had an unknown outcome; {due} cents due, {held} held",
        notes.repeated, notes.retried, books.repeated, books.declined, audit.sagas.unknown_calls
    ));
    for (fired, (sagas, calls)) in fired.iter().zip(flights) {
        let Fired {
            fault,
            head,
            taken_over,
        } = fired;
        report(&format!(
            "  {fault:?} at {head}: {sagas} sagas and {calls} calls in flight, {taken_over} partitions taken over"
        ));
    }
}

impl Outcomes {
    fn of(audit: &Audit) -> Self {
        let sagas: HashMap<_, _> = audit
            .sagas
            .by_id
            .values()
            .filter(|saga| !saga.is_cancelling)
            .map(|saga| (saga.order_id.as_str(), saga))
            .collect();
        let mut outcomes = Self::default();
        for (id, order) in &audit.orders {
            let saga = sagas.get(id.as_str());
            let count = match order.status {
                Status::Confirmed => &mut outcomes.confirmed,
                Status::Shipped | Status::Delivered => &mut outcomes.shipped,
                _ => match saga.and_then(|saga| saga.failed_step.as_deref()) {
                    Some("reserve_inventory") => &mut outcomes.out_of_stock,
                    Some("process_payment") => &mut outcomes.payment_declined,
                    Some(_) => &mut outcomes.shipping_declined,
                    None if order.paid > 0 && order.arranged > 0 => &mut outcomes.cancelled_after,
                    None => &mut outcomes.cancelled_before,
                },
            };
            *count += 1;
        }
        outcomes
    }

    /// Fails if any outcome is too rare for the run to be meaningful.
    fn floor(&self, faults: usize) -> Result<()> {
        let most = faults * 2;
        let enough = self.confirmed + self.shipped >= most
            && self.shipped >= 3
            && self.out_of_stock >= most
            && self.payment_declined >= most
            && self.shipping_declined >= 1
            && self.cancelled_before >= 5
            && self.cancelled_after >= 1;
        ensure!(enough, "too little happened: {self:?}");
        Ok(())
    }
}

/// Checks the answers that buyers got against the log.
fn check_notes(audit: &mut Audit, notes: &Notes) {
    let mut problems = notes.problems.clone();
    let mut by_user: HashMap<&str, Vec<&str>> = HashMap::new();
    for (id, order) in &audit.orders {
        by_user.entry(&order.user).or_default().push(id);
    }
    for (user, answers) in &notes.placed {
        let found = by_user.remove(user.as_str()).unwrap_or_default();
        let fits = match (answers, found.as_slice()) {
            (Some(id), [only]) => id == only,
            (None, [] | [_]) => true,
            _ => false,
        };
        if !fits {
            problems.push(format!(
                "{user} was answered {answers:?}, there is {found:?}"
            ));
        }
    }
    let unknown_users = by_user.keys().map(|user| format!("{user} never ordered"));
    problems.extend(unknown_users);
    for (answers, expected) in [
        (&notes.cancelled, Status::Cancelled),
        (&notes.shipped, Status::Shipped),
    ] {
        for id in answers {
            let status = audit.orders.get(id).map(|order| order.status);
            if status != Some(expected) {
                problems.push(format!("{id} was to become {expected:?} and is {status:?}"));
            }
        }
    }
    audit.problems.extend(problems);
}

async fn read(shop: &Shop, audit: &Audit, document: &str, variables: Value) -> Result<Value> {
    let operation = Operation::new(document).with(variables);
    let operation = operation.with_header("X-Min-Position", &audit.head.to_string());
    let data = operation.data(shop.system.gateway(0)?).await?;
    let field = data.as_object().and_then(|data| data.values().next());
    field.cloned().context("no field")
}

/// The read side has the same orders, with the same final status of their sagas.
async fn check_orders(shop: &Shop, audit: &mut Audit) -> Result<()> {
    let document = "query($offset: Int!) { orders(limit: 250, offset: $offset) { \
        id status totalAmount sagaState { type status } } }";
    let mut expected = rows_of(audit);
    let mut seen = 0;
    loop {
        let rows = read(shop, audit, document, json!({ "offset": seen })).await?;
        let rows = rows.as_array().context("no list")?;
        for row in rows {
            let expected = expected.remove(text(row, "id")?);
            if expected.as_ref() != Some(row) {
                audit.note(format!("the read side has {row}, the log {expected:?}"));
            }
        }
        seen += rows.len();
        if rows.is_empty() {
            break;
        }
    }
    for row in expected.into_values() {
        audit.note(format!("the read side lacks {row}"));
    }
    Ok(())
}

/// The expected rows of all orders.
fn rows_of(audit: &Audit) -> HashMap<String, Value> {
    let mut rows = HashMap::new();
    for saga in audit.sagas.by_id.values() {
        let Some(order) = audit.orders.get(&saga.order_id) else {
            continue;
        };
        let status = match saga.end {
            Some((_, Ended::Completed)) => "COMPLETED",
            Some((_, Ended::Compensated)) => "COMPENSATED",
            Some((_, Ended::Failed)) => "FAILED",
            None => "RUNNING",
        };
        #[expect(clippy::cast_precision_loss, reason = "few cents")]
        let total = order.total_cents as f64 / 100.0;
        let row = |kind: &str| {
            json!({
                "id": saga.order_id,
                "status": order.status.name(),
                "totalAmount": total,
                "sagaState": { "type": kind, "status": status },
            })
        };
        // The read side shows the latest saga of an order.
        if saga.is_cancelling {
            rows.insert(saga.order_id.clone(), row("cancel_order"));
        } else {
            let latest = rows.entry(saga.order_id.clone());
            latest.or_insert_with(|| row("order"));
        }
    }
    rows
}

/// The read side has the same stock.
async fn check_products(shop: &Shop, audit: &mut Audit, products: &[String]) -> Result<()> {
    let document =
        "query($id: ID!) { product(id: $id) { onHandQuantity reservedQuantity stockQuantity } }";
    for id in products {
        let row = read(shop, audit, document, json!({ "id": id })).await?;
        let stock = audit.stock.get(id).context("a product without stock")?;
        let expected = json!({
            "onHandQuantity": stock.on_hand,
            "reservedQuantity": stock.reserved,
            "stockQuantity": stock.on_hand - stock.reserved,
        });
        if row != expected {
            audit.note(format!(
                "the read side has {row} of {id}, the log {expected}"
            ));
        }
    }
    Ok(())
}

/// The write side lists no open saga.
async fn check_open(shop: &Shop, audit: &mut Audit) -> Result<()> {
    let mut sagas = SagaCommandClient::new(shop.command_channel().await?);
    let listed = sagas.list_sagas(ListSagasParam::default()).await?;
    let listed = listed.into_inner();
    for saga in &listed.sagas {
        audit.note(format!("it is listed as open: {saga:?}"));
    }
    if let Some(error) = listed.error {
        audit.note(format!("the list of open sagas: {error:?}"));
    }
    Ok(())
}
