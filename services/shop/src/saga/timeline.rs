//! A saga's events as a timeline.

use chrono::{DateTime, Utc};

use super::model::Event;
use crate::terminal::{line, span};

/// One event as a row: its sign, its step, and a description.
struct TimelineRow {
    sign: char,
    step: String,
    what: String,
}

/// One line for each event, with the time since the first one.
pub fn timeline(events: &[Event]) -> String {
    let Some(first) = events.first() else {
        return String::new();
    };
    let since = |at: DateTime<Utc>| format!("+{}", span(at - first.at));
    let mut known_key = None;
    let drawn: Vec<(String, TimelineRow)> = events
        .iter()
        .map(|event| {
            // All tries of an action have the same key, so it is printed once.
            let is_new = event.key.is_some() && event.key != known_key;
            let key = event.key.clone().filter(|_| is_new);
            known_key = event.key.clone().or(known_key.take());
            (since(event.at), draw(event, key.as_deref(), &since))
        })
        .collect();
    let width = |text: fn(&(String, TimelineRow)) -> &str| {
        let widths = drawn.iter().map(|row| text(row).chars().count());
        widths.max().unwrap_or_default()
    };
    let (times, steps) = (width(|row| &row.0), width(|row| &row.1.step));
    let mut text = String::new();
    for (at, TimelineRow { sign, step, what }) in &drawn {
        let row = format!("{at:>times$}  {sign} {step:steps$}  {what}");
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn draw(event: &Event, key: Option<&str>, since: &impl Fn(DateTime<Utc>) -> String) -> TimelineRow {
    let direction = if event.undo { '◀' } else { '▶' };
    let (sign, what) = match event.kind.as_str() {
        "SagaStarted" => ('▶', "started".to_owned()),
        "SagaStepStarted" => (direction, called(event, key, since)),
        "SagaStepFailed" => (direction, failed(event, since)),
        "SagaStepCompleted" => ('▶', recorded("done", event)),
        "SagaStepCompensated" => {
            let what = event.outcome.as_deref().unwrap_or("undone");
            ('◀', recorded(&line(what), event))
        }
        "SagaCancelRequested" => ('●', by_operator("cancelled", event)),
        "SagaCompensationStarted" => ('◀', because("compensation started", event)),
        "SagaSuspended" => {
            let what = if event.undo {
                "suspended while compensating"
            } else {
                "suspended"
            };
            ('‖', because(what, event))
        }
        "SagaResumed" => {
            let what = match event.action.as_deref() {
                Some("retry") => "retried",
                Some("resolve") => "resolved",
                _ => "resumed",
            };
            ('●', by_operator(what, event))
        }
        "SagaCompleted" => ('■', "completed".to_owned()),
        "SagaCompensated" => ('■', "compensated".to_owned()),
        "SagaFailed" => ('■', by_operator("closed", event)),
        unknown => ('?', line(unknown)),
    };
    // The reason of this event names the step already.
    let names_step = event.kind == "SagaCompensationStarted";
    let step = event.step.as_deref().filter(|_| !names_step);
    TimelineRow {
        sign,
        step: line(step.unwrap_or_default()),
        what,
    }
}

/// The description of a call to a provider.
fn called(event: &Event, key: Option<&str>, since: &impl Fn(DateTime<Utc>) -> String) -> String {
    let key = key.map(|key| format!("key {}", line(key)));
    let deadline = event.deadline.map(since);
    let deadline = deadline.map(|at| format!("gives up at {at}"));
    let parts = [Some(nth_try(event)), key, deadline];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The description of a failed call.
fn failed(event: &Event, since: &impl Fn(DateTime<Utc>) -> String) -> String {
    let outcome = match event.outcome.as_deref() {
        Some("declined") => "declined",
        Some("transient") => "no effect yet",
        Some("unknown") => "outcome unknown",
        Some("key_open") => "compensated, key still open",
        _ => "failed",
    };
    let what = because(&format!("{}, {outcome}", nth_try(event)), event);
    match event.retry_at {
        Some(at) => format!("{what}; next try at {}", since(at)),
        None => what,
    }
}

fn nth_try(event: &Event) -> String {
    let what = if event.undo { "undo, try" } else { "try" };
    format!("{what} {}", event.attempt.unwrap_or_default())
}

fn because(what: &str, event: &Event) -> String {
    match &event.why {
        Some(why) => format!("{what}: {}", line(why)),
        None => what.to_owned(),
    }
}

fn by_operator(what: &str, event: &Event) -> String {
    let who = event.who.as_deref().unwrap_or("an unknown operator");
    because(&format!("{what} by {}", line(who)), event)
}

/// The outcome of a step, with the operator who recorded it if it was done manually.
fn recorded(what: &str, event: &Event) -> String {
    match &event.who {
        Some(who) => because(&format!("{what}, recorded by {}", line(who)), event),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn event(after_ms: i64, kind: &str) -> Event {
        Event {
            at: DateTime::UNIX_EPOCH + TimeDelta::milliseconds(after_ms),
            kind: kind.to_owned(),
            ..Event::default()
        }
    }

    fn of_step(after_ms: i64, kind: &str, step: &str) -> Event {
        Event {
            step: Some(step.to_owned()),
            ..event(after_ms, kind)
        }
    }

    fn story() -> Vec<Event> {
        let by = |event: Event, why: &str| Event {
            who: Some("ada".to_owned()),
            why: Some(why.to_owned()),
            ..event
        };
        let tried = |event: Event, attempt| Event {
            attempt: Some(attempt),
            ..event
        };
        let undo = |event: Event| Event {
            undo: true,
            ..event
        };
        vec![
            event(0, "SagaStarted"),
            of_step(3, "SagaStepCompleted", "reserve"),
            Event {
                key: Some("k/1".to_owned()),
                deadline: Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(30)),
                ..tried(of_step(3, "SagaStepStarted", "pay"), 1)
            },
            Event {
                outcome: Some("unknown".to_owned()),
                why: Some("timed\nout".to_owned()),
                retry_at: Some(DateTime::UNIX_EPOCH + TimeDelta::seconds(12)),
                ..tried(of_step(10_003, "SagaStepFailed", "pay"), 1)
            },
            by(event(11_000, "SagaCancelRequested"), "changed my mind"),
            Event {
                why: Some("changed my mind".to_owned()),
                ..event(11_001, "SagaCompensationStarted")
            },
            Event {
                key: Some("k/1".to_owned()),
                ..undo(tried(of_step(11_002, "SagaStepStarted", "pay"), 1))
            },
            Event {
                outcome: Some("transient".to_owned()),
                ..undo(tried(of_step(11_003, "SagaStepFailed", "pay"), 1))
            },
            undo(Event {
                why: Some("the bank is closed".to_owned()),
                ..of_step(11_003, "SagaSuspended", "pay")
            }),
            Event {
                action: Some("resolve".to_owned()),
                ..by(event(120_000, "SagaResumed"), "by post")
            },
            undo(by(
                of_step(120_000, "SagaStepCompensated", "pay"),
                "by post",
            )),
            undo(of_step(120_001, "SagaStepCompensated", "reserve")),
            event(120_001, "SagaCompensated"),
            event(120_002, "SagaOfTomorrow"),
        ]
    }

    #[test]
    fn a_saga_that_an_operator_resolved_is_drawn() {
        let events = story();
        let expected = [
            " +0.000 s  ▶          started",
            " +0.003 s  ▶ reserve  done",
            " +0.003 s  ▶ pay      try 1, key k/1, gives up at +30.000 s",
            "+10.003 s  ▶ pay      try 1, outcome unknown: timed\\nout; next try at +12.000 s",
            "+11.000 s  ●          cancelled by ada: changed my mind",
            "+11.001 s  ◀          compensation started: changed my mind",
            "+11.002 s  ◀ pay      undo, try 1",
            "+11.003 s  ◀ pay      undo, try 1, no effect yet",
            "+11.003 s  ‖ pay      suspended while compensating: the bank is closed",
            " +2 m 0 s  ●          resolved by ada: by post",
            " +2 m 0 s  ◀ pay      undone, recorded by ada: by post",
            " +2 m 0 s  ◀ reserve  undone",
            " +2 m 0 s  ■          compensated",
            " +2 m 0 s  ?          SagaOfTomorrow",
        ];
        let drawn = timeline(&events);
        assert_eq!(drawn.lines().collect::<Vec<_>>(), expected);
        assert_eq!(timeline(&[]), "");
    }
}
