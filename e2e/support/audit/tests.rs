//! The audit detects violations: no correct system writes these logs.

use std::fs;

use serde_json::{Value, json};

use super::{Audit, LedgerSums};
use crate::support::StoredEvent;

/// A log that is built event by event.
struct Log(Vec<StoredEvent>);

impl Log {
    /// A started order for two of three pieces.
    fn started() -> Self {
        let items = json!([{ "product_id": "pot", "quantity": 2, "price_cents": 500 }]);
        let created = json!({ "user_id": "ann", "total_cents": 1_000, "items": items });
        Self(Vec::new())
            .and(
                "stock/pot",
                "StockUpdated",
                json!({ "on_hand": 3, "reserved": 0 }),
            )
            .and("order/o", "OrderCreated", created)
            .and("order_saga/s", "SagaStarted", json!({ "subject": "o" }))
    }

    fn reserved() -> Self {
        Self::started().and("stock/pot", "StockReserved", stock("o", 2, 3, 2))
    }

    fn and(mut self, stream: &str, event_type: &str, data: Value) -> Self {
        let (category, stream) = stream.split_once('/').expect("a stream");
        let same = |event: &&StoredEvent| event.category == category && event.stream == stream;
        let before = self.0.iter().filter(same).count();
        self.0.push(StoredEvent {
            position: i64::try_from(self.0.len()).expect("few") + 1,
            category: category.to_owned(),
            stream: stream.to_owned(),
            version: i64::try_from(before).expect("few") + 1,
            event_type: event_type.to_owned(),
            data,
        });
        self
    }

    fn order(self, event_type: &str) -> Self {
        self.and("order/o", event_type, json!({}))
    }

    fn saga(self, event_type: &str) -> Self {
        self.and("order_saga/s", event_type, json!({}))
    }

    /// The violations in the log alone, without the providers.
    fn problems(self) -> Vec<String> {
        let mut audit = Audit::default();
        for event in &self.0 {
            audit.see(event);
        }
        audit.problems
    }

    /// The violations once every saga should have ended.
    fn problems_at_end(self, books: &LedgerSums) -> Vec<String> {
        let mut audit = Audit::default();
        for event in &self.0 {
            audit.see(event);
        }
        audit.check_ends(books);
        audit.problems
    }
}

fn stock(order: &str, quantity: i64, on_hand: i64, reserved: i64) -> Value {
    json!({ "order_id": order, "quantity": quantity, "on_hand": on_hand, "reserved": reserved })
}

fn confirmed() -> Log {
    Log::reserved()
        .order("OrderPaymentProcessed")
        .order("OrderShippingArranged")
        .order("OrderConfirmed")
        .saga("SagaCompleted")
}

fn cancelled() -> Log {
    Log::reserved()
        .and("stock/pot", "StockReleased", stock("o", 2, 3, 0))
        .order("OrderCancelled")
        .saga("SagaCompensated")
}

fn paid(times: u32, holds: u32, held_cents: i64) -> LedgerSums {
    let mut books = LedgerSums::default();
    books.payments.insert(
        "o".to_owned(),
        super::ledger::ActionCounts {
            times,
            holds,
            held_cents,
        },
    );
    books
}

fn with_shipment(mut books: LedgerSums) -> LedgerSums {
    let shipment = super::ledger::ActionCounts {
        times: 1,
        holds: 1,
        held_cents: 0,
    };
    books.shipments.insert("o".to_owned(), shipment);
    books
}

fn found(problems: &[String], what: &str) {
    let seen = problems.iter().any(|problem| problem.contains(what));
    assert!(seen, "{what:?} is not reported: {problems:?}");
}

#[test]
fn correct_logs_have_no_violations() {
    let books = with_shipment(paid(1, 1, 1_000));
    assert_eq!(confirmed().problems_at_end(&books), Vec::<String>::new());
    let nothing = LedgerSums::default();
    assert_eq!(cancelled().problems_at_end(&nothing), Vec::<String>::new());
}

#[test]
fn stock_neither_appears_nor_vanishes() {
    let other = |data| {
        Log::reserved()
            .and("stock/pot", "StockReserved", data)
            .problems()
    };
    found(&other(stock("p", 2, 3, 4)), "oversold");
    found(&other(stock("o", 1, 3, 3)), "holds it twice");
    found(
        &other(stock("p", 1, 4, 3)),
        "on hand and reserved are (3, 3)",
    );
    let released = |data| {
        Log::reserved()
            .and("stock/pot", "StockReleased", data)
            .problems()
    };
    found(&released(stock("p", 2, 3, 0)), "p held None");
    found(&released(stock("o", 1, 3, 1)), "o held Some(2)");
}

#[test]
fn an_order_and_a_saga_have_one_end() {
    found(
        &confirmed().order("OrderConfirmed").problems(),
        "it was Confirmed",
    );
    found(
        &cancelled().order("OrderShipped").problems(),
        "it was Cancelled",
    );
    let cancelling = Log::reserved().order("OrderCancellationRequested");
    found(
        &cancelling.order("OrderConfirmed").problems(),
        "its cancellation was requested before",
    );
    found(
        &confirmed().saga("SagaCompensated").problems(),
        "after its end",
    );
    found(
        &Log::started().saga("SagaSuspended").problems(),
        "it is suspended",
    );
    let nothing = LedgerSums::default();
    found(&Log::started().problems_at_end(&nothing), "its sagas");
    let mut late = cancelled();
    late.0.remove(3);
    found(&late.problems(), "expected position 4");
}

#[test]
fn cancelled_orders_hold_nothing() {
    let unreleased = Log::reserved()
        .order("OrderCancelled")
        .saga("SagaCompensated");
    found(
        &unreleased.problems_at_end(&LedgerSums::default()),
        "it holds {\"pot\": 2}",
    );
    found(
        &cancelled().problems_at_end(&paid(1, 1, 1_000)),
        "the ledger has",
    );
    // Refunded at the provider, but not in the log.
    found(&cancelled().problems_at_end(&paid(1, 0, 0)), "contradicts");
    let empty = Log(Vec::new());
    found(
        &empty.problems_at_end(&paid(1, 1, 1_000)),
        "the log does not",
    );
}

#[test]
fn fulfilled_orders_are_paid_once_and_in_full() {
    let doubled = with_shipment(paid(2, 1, 1_000));
    found(
        &confirmed().problems_at_end(&doubled),
        "paid and shipped (2, 1) times",
    );
    let short = with_shipment(paid(1, 1, 999));
    found(&confirmed().problems_at_end(&short), "the ledger has");
    found(
        &confirmed().problems_at_end(&paid(1, 1, 1_000)),
        "the ledger has",
    );
    found(
        &confirmed().order("OrderPaymentProcessed").problems(),
        "it happened before",
    );
}

/// Without a line in the audit, only a run that writes the event would fail. The domain has a fixture of each version.
#[test]
fn the_audit_reads_each_version_of_the_events_of_orders_and_stock() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/fixtures");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((event_type, _)) = name.and_then(|name| name.split_once(".v")) else {
            continue;
        };
        let stream = match event_type {
            order if order.starts_with("Order") => "order/o",
            stock if stock.starts_with("Stock") => "stock/pot",
            _ => continue,
        };
        let data = fs::read_to_string(&path).expect("a fixture");
        let data = serde_json::from_str(&data).expect("JSON");
        // The event may be illegal here; it must not be unknown, nor lack a field.
        for problem in Log::reserved().and(stream, event_type, data).problems() {
            let is_unread = ["is not an event of", "no number", "no text", "no items"]
                .iter()
                .any(|unread| problem.contains(unread));
            assert!(!is_unread, "{path:?}: {problem}");
        }
        count += 1;
    }
    assert!(count >= 16, "{count} fixtures");
}
