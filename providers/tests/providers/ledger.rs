//! The ledger of the simulated providers: concurrency, two processes, totals.

use std::collections::HashSet;
use std::sync::Arc;

use domain::value::Money;
use futures::future::join_all;
use providers::simulated::{
    Action, Decision, OrderTotals, ProviderKind, Rate, SimulationConfig, State, Totals,
};
use sagas::{CallError, StepProvider};

use crate::support::{charge, eventually, id, key, on_both_engines, soon};

fn action(name: &str, order: &str, cents: i64) -> Action {
    Action {
        kind: ProviderKind::PAYMENT,
        key: key(name),
        order_id: id(order),
        amount: Money::from_cents(cents),
        decision: Decision::Done(format!("pay-{name}")),
        undo_reference: format!("refund-{name}"),
    }
}

#[tokio::test]
async fn a_thousand_concurrent_calls_get_their_own_answers() {
    on_both_engines(async |home| {
        let (book, task) = home.book().await;
        let names: Vec<String> = (0..1_000).map(|n| format!("k-{n}")).collect();
        let records = join_all(names.iter().map(|name| book.act(action(name, "o", 1)))).await;
        for (name, record) in names.iter().zip(records) {
            let record = record.expect("a record");
            assert_eq!(record.reference, format!("pay-{name}"));
            assert_eq!(record.deliveries, 1);
        }
        drop(book);
        soon("the end of the ledger's task", task.finished()).await;
    })
    .await;
}

#[tokio::test]
async fn calls_of_one_key_keep_their_order_in_a_batch() {
    on_both_engines(async |home| {
        let (book, _task) = home.book().await;
        let same = || action("k", "o", 1);
        let (first, undone, late, again) = tokio::join!(
            book.act(same()),
            book.undo(same()),
            book.act(same()),
            book.undo(same())
        );
        assert_eq!(first.expect("a record").state, State::Done);
        assert_eq!(undone.expect("a record").state, State::Compensated);
        let late = late.expect("a record");
        assert_eq!((late.state, late.deliveries), (State::Compensated, 2));
        assert_eq!(again.expect("a record").undos, 2);
    })
    .await;
}

#[tokio::test]
async fn an_action_and_its_undo_in_two_processes_are_serialized() {
    on_both_engines(async |home| {
        let (one, _one_task) = home.book().await;
        let (two, _two_task) = home.book().await;
        let mut ends = HashSet::new();
        for n in 0..100 {
            let same = action(&format!("k-{n}"), "o", 1);
            let (done, undone) = tokio::join!(one.act(same.clone()), two.undo(same.clone()));
            let (done, undone) = (done.expect("a record"), undone.expect("a record"));
            let end = one.look_up(ProviderKind::PAYMENT, &same.key).await;
            let end = end.expect("an answer").expect("a record").state;
            assert_eq!(end, undone.state);
            match end {
                State::Compensated => {
                    assert!(matches!(done.state, State::Done | State::Compensated));
                }
                State::Closed => assert_eq!(done.state, State::Closed),
                State::Done | State::Declined => panic!("{end:?} after an undo"),
            }
            ends.insert(format!("{end:?}"));
        }
        eprintln!("ends: {ends:?}");
    })
    .await;
}

#[tokio::test]
async fn the_totals_are_the_sums_of_the_rows() {
    on_both_engines(async |home| {
        let (book, _task) = home.book().await;
        book.act(action("a", "o-1", 1_000)).await.expect("done");
        book.act(action("b", "o-1", 250)).await.expect("done");
        book.undo(action("b", "o-1", 250)).await.expect("undone");
        book.undo(action("c", "o-2", 99)).await.expect("closed");
        let declined = Action {
            decision: Decision::Declined("no".to_owned()),
            ..action("d", "o-3", 77)
        };
        book.act(declined).await.expect("declined");
        let shipment = Action {
            kind: ProviderKind::SHIPMENT,
            ..action("a", "o-1", 300)
        };
        book.act(shipment).await.expect("done");
        let totals = Totals::new(home.database().await, ProviderKind::PAYMENT);
        let of = |order_id: &str, done, undone, times_done, times_undone| OrderTotals {
            order_id: order_id.to_owned(),
            done: Money::from_cents(done),
            undone: Money::from_cents(undone),
            times_done,
            times_undone,
        };
        let one = of("o-1", 1_250, 250, 2, 1);
        assert_eq!(one.held(), Money::from_cents(1_000));
        assert_eq!(
            totals.of_order("o-1").await.expect("totals"),
            Some(one.clone())
        );
        assert_eq!(totals.of_order("o-9").await.expect("totals"), None);
        let two = of("o-2", 0, 0, 0, 0);
        let three = of("o-3", 0, 0, 0, 0);
        assert_eq!(totals.page("", 2).await.expect("totals"), [one, two]);
        assert_eq!(totals.page("o-2", 2).await.expect("totals"), [three]);
    })
    .await;
}

#[tokio::test]
async fn a_duplicate_delivery_takes_no_money_twice() {
    on_both_engines(async |home| {
        let twice = SimulationConfig {
            duplicate_rate: Rate::ALWAYS,
            ..SimulationConfig::default()
        };
        let payments = home.payments(twice).await;
        let paid = payments.act(&key("a"), &charge("o-1", 500)).await;
        paid.expect("paid");
        let (book, _task) = home.book().await;
        eventually("the second delivery", async || {
            let record = book.look_up(ProviderKind::PAYMENT, &key("a")).await;
            let record = record.expect("an answer").expect("a record");
            (record.deliveries == 2).then_some(())
        })
        .await;
        let totals = Totals::new(home.database().await, ProviderKind::PAYMENT);
        let totals = totals.of_order("o-1").await.expect("totals").expect("some");
        assert_eq!(
            (totals.done, totals.times_done),
            (Money::from_cents(500), 1)
        );
    })
    .await;
}

#[tokio::test]
async fn an_unreachable_database_is_a_transient_failure() {
    on_both_engines(async |home| {
        let database = home.database().await;
        let (book, _task) =
            providers::simulated::SimulatedLedger::open(database.clone(), crate::support::clock());
        let book = Arc::new(book);
        database.close().await;
        let failed = book.act(action("a", "o", 1)).await;
        assert!(
            matches!(
                failed,
                Err(CallError::Transient { .. } | CallError::Unknown { .. })
            ),
            "{failed:?}"
        );
    })
    .await;
}
