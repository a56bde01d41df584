//! Sagas: each has one end, and what was under way at a moment can be told.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::string;
use crate::support::Stored;

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Completed,
    Compensated,
    Failed,
}

/// A saga as its stream tells it.
#[derive(Debug)]
pub struct Saga {
    pub order_id: String,
    /// Whether it undoes a confirmed order.
    pub is_cancelling: bool,
    began: i64,
    pub end: Option<(i64, Ended)>,
    /// The step that could not be done; none if somebody wanted it undone.
    pub turned_at: Option<String>,
    /// The step that is called, and since when.
    calling: Option<(String, i64)>,
}

#[derive(Debug, Default)]
pub struct Sagas {
    pub by_id: HashMap<String, Saga>,
    /// From where to where a call to a provider was under way.
    calls: Vec<(i64, i64)>,
    /// Calls of which no word came: given up by those who made them, or announced again by those who went on.
    pub wordless: usize,
}

impl Sagas {
    /// How many had begun and not ended behind this position, and how many of their calls were under way.
    pub fn in_flight(&self, position: i64) -> (usize, usize) {
        let open = self.by_id.values().filter(|saga| {
            let has_ended = saga.end.is_some_and(|(end, _)| end <= position);
            saga.began <= position && !has_ended
        });
        let calls = self.calls.iter();
        let calls = calls.filter(|(from, to)| *from <= position && position < *to);
        (open.count(), calls.count())
    }

    pub(super) fn take(&mut self, event: &Stored) -> Result<()> {
        let data = &event.data;
        if event.event_type == "SagaStarted" {
            let saga = Saga {
                order_id: string(data, "subject")?,
                is_cancelling: event.category == "cancel_order_saga",
                began: event.position,
                end: None,
                turned_at: None,
                calling: None,
            };
            let before = self.by_id.insert(event.stream.clone(), saga);
            ensure!(before.is_none(), "it began twice");
            return Ok(());
        }
        let saga = self.by_id.get_mut(&event.stream);
        let saga = saga.context("before its beginning")?;
        ensure!(saga.end.is_none(), "behind its end");
        let mut end = |how| {
            saga.end = Some((event.position, how));
        };
        match event.event_type.as_str() {
            "SagaStepStarted" => {
                let step = string(data, "step")?;
                if let Some((_, from)) = saga.calling.replace((step, event.position)) {
                    self.calls.push((from, event.position));
                    self.wordless += 1;
                }
            }
            "SagaStepCompleted" | "SagaStepFailed" | "SagaStepCompensated" => {
                let step = string(data, "step")?;
                if data
                    .get("outcome")
                    .is_some_and(|outcome| outcome == "unknown")
                {
                    self.wordless += 1;
                }
                if let Some((_, from)) = saga.calling.take_if(|(called, _)| *called == step) {
                    self.calls.push((from, event.position));
                }
            }
            "SagaCompensationStarted" => {
                let step = data.get("step").and_then(Value::as_str);
                saga.turned_at = step.map(str::to_owned);
            }
            "SagaCompleted" => end(Ended::Completed),
            "SagaCompensated" => end(Ended::Compensated),
            "SagaFailed" => end(Ended::Failed),
            "SagaSuspended" => bail!("it waits for a person: {data}"),
            "SagaCancelRequested" | "SagaResumed" => {}
            other => bail!("{other} is no event of a saga"),
        }
        Ok(())
    }
}
