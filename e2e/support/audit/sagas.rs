//! Sagas: each has one end. Also counts the sagas and calls that were in flight at a position.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::string;
use crate::support::StoredEvent;

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Completed,
    Compensated,
    Failed,
}

/// A saga, folded from its stream.
#[derive(Debug)]
pub struct Saga {
    pub order_id: String,
    /// Whether it cancels a confirmed order.
    pub is_cancelling: bool,
    started_at: i64,
    pub end: Option<(i64, Ended)>,
    /// The step whose failure started the compensation; `None` if a cancellation did.
    pub failed_step: Option<String>,
    /// The step of the call in flight, and the position of its start.
    calling: Option<(String, i64)>,
}

#[derive(Debug, Default)]
pub struct Sagas {
    pub by_id: HashMap<String, Saga>,
    /// The positions of the start and the end of each call to a provider.
    calls: Vec<(i64, i64)>,
    /// Calls without a known outcome: they timed out, or were started again by the process that took over.
    pub unknown_calls: usize,
}

impl Sagas {
    /// The number of sagas, and of their calls, in flight at this position.
    pub fn in_flight(&self, position: i64) -> (usize, usize) {
        let open = self.by_id.values().filter(|saga| {
            let has_ended = saga.end.is_some_and(|(end, _)| end <= position);
            saga.started_at <= position && !has_ended
        });
        let calls = self.calls.iter();
        let calls = calls.filter(|(from, to)| *from <= position && position < *to);
        (open.count(), calls.count())
    }

    pub(super) fn take(&mut self, event: &StoredEvent) -> Result<()> {
        let data = &event.data;
        if event.event_type == "SagaStarted" {
            let saga = Saga {
                order_id: string(data, "subject")?,
                is_cancelling: event.category == "cancel_order_saga",
                started_at: event.position,
                end: None,
                failed_step: None,
                calling: None,
            };
            let before = self.by_id.insert(event.stream.clone(), saga);
            ensure!(before.is_none(), "it started twice");
            return Ok(());
        }
        let saga = self.by_id.get_mut(&event.stream);
        let saga = saga.context("before its start")?;
        ensure!(saga.end.is_none(), "after its end");
        let mut end = |how| {
            saga.end = Some((event.position, how));
        };
        match event.event_type.as_str() {
            "SagaStepStarted" => {
                let step = string(data, "step")?;
                if let Some((_, from)) = saga.calling.replace((step, event.position)) {
                    self.calls.push((from, event.position));
                    self.unknown_calls += 1;
                }
            }
            "SagaStepCompleted" | "SagaStepFailed" | "SagaStepCompensated" => {
                let step = string(data, "step")?;
                if data
                    .get("outcome")
                    .is_some_and(|outcome| outcome == "unknown")
                {
                    self.unknown_calls += 1;
                }
                if let Some((_, from)) = saga.calling.take_if(|(called, _)| *called == step) {
                    self.calls.push((from, event.position));
                }
            }
            "SagaCompensationStarted" => {
                let step = data.get("step").and_then(Value::as_str);
                saga.failed_step = step.map(str::to_owned);
            }
            "SagaCompleted" => end(Ended::Completed),
            "SagaCompensated" => end(Ended::Compensated),
            "SagaFailed" => end(Ended::Failed),
            "SagaSuspended" => bail!("it is suspended: {data}"),
            "SagaCancelRequested" | "SagaResumed" => {}
            other => bail!("{other} is not an event of a saga"),
        }
        Ok(())
    }
}
