//! `shop order follow`.
//!
//! The order and its saga are polled, and the changes since the last poll are printed. They are rows of two tables with a
//! projection each, of which one may lag behind the other, so an end is reported only once both rows show it.

use std::time::{Duration, Instant};

use clap::ArgMatches;

use super::model::{Order, Saga, read};
use super::{OrderError, id};
use crate::api::Client;
use crate::terminal::{Output, line, print};

const POLL_INTERVAL: Duration = Duration::from_millis(100);

pub async fn run(client: &mut Client, arguments: &ArgMatches) -> Result<(), OrderError> {
    follow(client, &id(arguments), Output::of(arguments)).await
}

/// Prints the changes of an order until it is confirmed or ends otherwise.
pub(super) async fn follow(
    client: &mut Client,
    id: &str,
    output: Output,
) -> Result<(), OrderError> {
    let started = Instant::now();
    let mut seen: Option<Order> = None;
    let mut silence = ChangeTimer::new(started);
    loop {
        let order = read(client, id).await?;
        let end = end(&order);
        let is_changed = seen.as_ref() != Some(&order);
        if silence.is_broken(Instant::now(), is_changed) && end.is_none() {
            let seconds = started.elapsed().as_secs_f64();
            // On standard error, because programs parse standard output.
            eprintln!("{seconds:>8.3} s  … {}", line(&waiting_for(&order)));
        }
        if is_changed {
            match output {
                Output::Json => output.write(&order, |_| String::new()),
                Output::Table => {
                    let seconds = started.elapsed().as_secs_f64();
                    for change in changes(seen.as_ref(), &order) {
                        print(&format!("{seconds:>8.3} s  {}", line(&change)));
                    }
                }
            }
            seen = Some(order);
        }
        if let Some(end) = end {
            return end.map_err(OrderError::NotConfirmed);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// When to print what the order waits for: 2 s after the last change, and every 2 s from then on.
#[derive(Debug)]
struct ChangeTimer {
    since: Instant,
}

impl ChangeTimer {
    const LIMIT: Duration = Duration::from_secs(2);

    fn new(since: Instant) -> Self {
        Self { since }
    }

    /// Whether 2 s have passed by `now` since the last change or the last line. A change restarts it.
    fn is_broken(&mut self, now: Instant, is_changed: bool) -> bool {
        let has_lasted = now.duration_since(self.since) >= Self::LIMIT;
        if is_changed || has_lasted {
            self.since = now;
        }
        has_lasted && !is_changed
    }
}

/// What an order that has not ended waits for.
fn waiting_for(order: &Order) -> String {
    let Some(saga) = &order.saga_state else {
        return format!("waits for its saga; the order is {}", order.status);
    };
    let Some(step) = saga
        .current_step
        .as_deref()
        .filter(|_| saga.completed_at.is_none())
    else {
        return format!(
            "waits for the end of {}; the order is {}",
            saga.kind, order.status
        );
    };
    let why = saga.failure_reason.as_ref();
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    format!(
        "waits for {step} of {}, which is {}{why}",
        saga.kind, saga.state
    )
}

/// How the order ended: confirmed, otherwise, or not yet.
fn end(order: &Order) -> Option<Result<(), String>> {
    let id = &order.id;
    let saga = order.saga_state.as_ref();
    let why = saga.and_then(|saga| saga.failure_reason.as_deref());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    let is_over = saga.is_none_or(|saga| saga.completed_at.is_some());
    let is_undoing = saga.is_some_and(|saga| saga.kind == "cancel_order");
    let is_suspended = saga.is_some_and(|saga| saga.state == "suspended");
    match order.status.as_str() {
        "CONFIRMED" if is_over && !is_undoing => Some(Ok(())),
        "SHIPPED" | "DELIVERED" => Some(Ok(())),
        // A customer's reason starts with "cancelled" too, which would repeat the word.
        "CANCELLED" if is_over => {
            let why = why.strip_prefix(": cancelled").unwrap_or(&why);
            Some(Err(format!("order {id} was cancelled{why}")))
        }
        "FAILED" if is_over => Some(Err(format!("order {id} has failed{why}"))),
        "FAILED" if is_suspended => Some(Err(format!(
            "order {id} is suspended and needs an operator{why}; see shop saga show {id}"
        ))),
        _ => None,
    }
}

/// The changes between two polls, in the order in which they must have happened.
fn changes(seen: Option<&Order>, now: &Order) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(saga) = &now.saga_state {
        let known = seen.and_then(|seen| seen.saga_state.as_ref());
        // An order has at most one saga of each type.
        let known = known.filter(|known| known.kind == saga.kind);
        if known.is_none() {
            lines.push(format!("▶ {} started", saga.kind));
        }
        saga_changes(known, saga, &mut lines);
    }
    if seen.map(|seen| &seen.status) != Some(&now.status) {
        let number = now.tracking_number.as_deref();
        let number = number.filter(|_| now.status == "CONFIRMED");
        let number = number.map(|number| format!(", tracking number {number}"));
        let number = number.unwrap_or_default();
        lines.push(format!("  order is {}{number}", now.status));
    }
    lines
}

fn saga_changes(known: Option<&Saga>, saga: &Saga, lines: &mut Vec<String>) {
    let count = |steps: fn(&Saga) -> &Vec<String>| known.map_or(0, |known| steps(known).len());
    let (done, undone) = (
        count(|saga| &saga.completed_steps),
        count(|saga| &saga.compensated_steps),
    );
    let steps = saga.completed_steps.iter().skip(done);
    lines.extend(steps.map(|step| format!("▶ {step} done")));
    let states = ["compensating", "compensated"];
    let is_compensating =
        |saga: &Saga| states.contains(&saga.state.as_str()) || !saga.compensated_steps.is_empty();
    let why = saga.failure_reason.as_deref().unwrap_or("cancelled");
    if is_compensating(saga) && !known.is_some_and(is_compensating) {
        lines.push(format!("◀ compensation started: {why}"));
    }
    let steps = saga.compensated_steps.iter().skip(undone);
    lines.extend(steps.map(|step| format!("◀ {step} undone")));
    if known.map(|known| &known.state) == Some(&saga.state) {
        return;
    }
    match saga.state.as_str() {
        "suspended" => {
            let step = saga.current_step.as_deref().unwrap_or_default();
            lines.push(format!("‖ suspended at {step}, needs an operator: {why}"));
        }
        "completed" | "compensated" | "failed" => lines.push(format!("■ {}", saga.state)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(status: &str, saga: &serde_json::Value) -> Order {
        let order = json!({
            "id": "o", "userId": "ada", "status": status, "totalAmount": 1, "items": [],
            "shippingAddress": null, "trackingNumber": "T-1", "version": 1,
            "createdAt": "", "updatedAt": "", "sagaState": saga,
        });
        serde_json::from_value(order).expect("an order")
    }

    fn saga(kind: &str, state: &str, done: &[&str], undone: &[&str]) -> serde_json::Value {
        let is_over = ["completed", "compensated", "failed"].contains(&state);
        json!({
            "type": kind, "state": state, "currentStep": "pay", "failureReason": "no money",
            "completedSteps": done, "compensatedSteps": undone, "startedAt": "",
            "completedAt": is_over.then_some("later"),
        })
    }

    #[test]
    fn changes_between_two_polls_are_printed_in_order() {
        let started = order("PROCESSING", &saga("order", "running", &["reserve"], &[]));
        let expected = ["▶ order started", "▶ reserve done", "  order is PROCESSING"];
        assert_eq!(changes(None, &started), expected);
        assert!(changes(Some(&started), &started).is_empty());
        let undone = ["pay", "reserve"];
        let ended = saga("order", "compensated", &["reserve", "pay"], &undone);
        let ended = order("CANCELLED", &ended);
        let expected = [
            "▶ pay done",
            "◀ compensation started: no money",
            "◀ pay undone",
            "◀ reserve undone",
            "■ compensated",
            "  order is CANCELLED",
        ];
        assert_eq!(changes(Some(&started), &ended), expected);
        let confirmed = order("CONFIRMED", &saga("order", "completed", &["reserve"], &[]));
        let expected = ["■ completed", "  order is CONFIRMED, tracking number T-1"];
        assert_eq!(changes(Some(&started), &confirmed), expected);
        let waiting = order("FAILED", &saga("cancel_order", "suspended", &[], &[]));
        let expected = [
            "▶ cancel_order started",
            "‖ suspended at pay, needs an operator: no money",
            "  order is FAILED",
        ];
        assert_eq!(changes(Some(&confirmed), &waiting), expected);
    }

    #[test]
    fn what_an_order_waits_for_is_printed_every_two_seconds_without_a_change() {
        let start = Instant::now();
        let mut silence = ChangeTimer::new(start);
        let mut broken = |millis, is_changed| {
            silence.is_broken(start + Duration::from_millis(millis), is_changed)
        };
        let polls = [
            (0, true, false),
            (1_000, false, false),
            (1_500, true, false),
            (3_400, false, false),
            (3_500, false, true),
            (3_600, false, false),
            (5_500, false, true),
            (9_000, true, false),
            (11_000, false, true),
        ];
        for (millis, is_changed, expected) in polls {
            assert_eq!(broken(millis, is_changed), expected, "{millis}");
        }
        let paying = order("PROCESSING", &saga("order", "running", &["reserve"], &[]));
        assert_eq!(
            waiting_for(&paying),
            "waits for pay of order, which is running: no money"
        );
        let ended = order("PROCESSING", &saga("order", "completed", &[], &[]));
        assert_eq!(
            waiting_for(&ended),
            "waits for the end of order; the order is PROCESSING"
        );
        let none = order("PROCESSING", &serde_json::Value::Null);
        assert_eq!(
            waiting_for(&none),
            "waits for its saga; the order is PROCESSING"
        );
    }

    #[test]
    fn an_order_ends_only_once_both_tables_show_it() {
        let ended = |status: &str, saga: &serde_json::Value| end(&order(status, saga));
        let completed = saga("order", "completed", &[], &[]);
        assert_eq!(ended("CONFIRMED", &completed), Some(Ok(())));
        assert_eq!(ended("SHIPPED", &completed), Some(Ok(())));
        assert_eq!(
            ended("CONFIRMED", &saga("order", "running", &[], &[])),
            None
        );
        assert_eq!(ended("PROCESSING", &completed), None);
        let undoing = saga("cancel_order", "running", &[], &[]);
        assert_eq!(ended("CONFIRMED", &undoing), None);
        let undone = saga("cancel_order", "completed", &[], &[]);
        assert_eq!(ended("CONFIRMED", &undone), None);
        let cancelled = ended("CANCELLED", &saga("order", "compensated", &[], &[]));
        assert_eq!(
            cancelled,
            Some(Err("order o was cancelled: no money".to_owned()))
        );
        let mut by_customer = saga("order", "compensated", &[], &[]);
        by_customer["failureReason"] = json!("cancelled: cancelled too late");
        assert_eq!(
            ended("CANCELLED", &by_customer),
            Some(Err("order o was cancelled: cancelled too late".to_owned()))
        );
        assert!(ended("FAILED", &saga("order", "suspended", &[], &[])).is_some());
        assert!(ended("FAILED", &saga("order", "failed", &[], &[])).is_some());
        assert_eq!(ended("FAILED", &saga("order", "running", &[], &[])), None);
    }
}
