//! One call to a provider, with a timeout. If an earlier try may have been made, the provider is asked first.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tracing::{Instrument, Span};

use crate::advance::{CallOutcome, StepResult};
use crate::definition::{AnyProvider, Role, Saga};
use crate::operation::{CallError, CompensationResult, OperationKey, OperationStatus};
use crate::span::{provider_span, step_span};
use crate::state::{Run, StepStatus};

/// A call whose intent is recorded.
pub(super) struct ProviderCall<S: Saga> {
    pub(super) step: usize,
    name: &'static str,
    pub(super) undo: bool,
    attempt: u32,
    key: OperationKey,
    data: S::Data,
    provider: Arc<dyn AnyProvider<S>>,
    looks_first: bool,
    /// Whether the action may have taken effect before this try.
    may_have_effect: bool,
    role: Role,
    limit: Duration,
}

impl<S: Saga> ProviderCall<S> {
    /// The call whose intent the saga has recorded for a step. `left` is the time until the step's deadline.
    pub(super) fn plan(
        run: &Run<S>,
        index: usize,
        provider: &Arc<dyn AnyProvider<S>>,
        left: Option<Duration>,
    ) -> Option<Self> {
        let (step, state) = run.step(index)?;
        let undo = state.status == StepStatus::Compensating;
        let planned = Self {
            step: index,
            name: step.name,
            undo,
            attempt: state.attempts,
            key: run.key(index)?,
            data: run.data.clone(),
            provider: Arc::clone(provider),
            // An undo is idempotent and is simply repeated; but if only the key stayed open, a look-up shows whether the
            // action arrived after the undo. An action may have been sent before if its intent was recorded before.
            looks_first: if undo {
                state.is_key_open
            } else {
                state.calls > 1
            },
            may_have_effect: undo || state.unresolved,
            role: step.role,
            limit: step.timeout,
        };
        let left = left.filter(|_| !planned.must_be_made());
        let limit = left.map_or(step.timeout, |left| left.min(step.timeout));
        Some(Self { limit, ..planned })
    }

    /// Whether the call is made even after a cancellation or the deadline: a compensation must succeed, and the outcome
    /// of a pivot that may have taken effect must be resolved, however late.
    pub(super) fn must_be_made(&self) -> bool {
        self.undo || (self.role == Role::Pivot && self.may_have_effect)
    }

    pub(super) async fn make(&self) -> StepResult {
        let started = Instant::now();
        let outcome = self.ask(started + self.limit).await;
        let labels = [
            ("saga", S::NAME),
            ("step", self.name),
            ("outcome", outcome.name()),
        ];
        metrics::histogram!("saga_step_duration_seconds", &labels).record(started.elapsed());
        self.result(outcome)
    }

    pub(super) fn span(&self) -> Span {
        step_span(S::NAME, self.name, self.undo)
    }

    pub(super) fn not_sent(&self) -> StepResult {
        self.result(CallOutcome::NotSent)
    }

    /// The result of a call whose task panicked: it may have reached the provider.
    pub(super) fn interrupted(&self) -> StepResult {
        self.result(CallOutcome::Failed(CallError::unknown(
            "the call was interrupted",
        )))
    }

    fn result(&self, outcome: CallOutcome) -> StepResult {
        StepResult {
            step: self.step,
            undo: self.undo,
            attempt: self.attempt,
            key: self.key.clone(),
            outcome,
        }
    }

    async fn ask(&self, until: Instant) -> CallOutcome {
        if self.looks_first {
            // Look-up and call share one timeout, so that a step never holds its permit for longer than that.
            let span = provider_span(self.name, "look up", self.attempt);
            let asked = self.provider.look_up(&self.key).instrument(span);
            let status = timeout_at(until, asked).await;
            let status = status.unwrap_or_else(|_| Err(self.no_answer()));
            if let Some(outcome) = self.outcome_of(status) {
                return outcome;
            }
        }
        let operation = if self.undo { "undo" } else { "act on" };
        let span = provider_span(self.name, operation, self.attempt);
        let sent = timeout_at(until, self.send().instrument(span)).await;
        sent.unwrap_or_else(|_| Err(self.no_answer()))
            .unwrap_or_else(CallOutcome::Failed)
    }

    async fn send(&self) -> Result<CallOutcome, CallError> {
        if self.undo {
            let undone = self.provider.undo(&self.key, &self.data).await?;
            Ok(CallOutcome::Compensated(undone))
        } else {
            let output = self.provider.act(&self.key, &self.data).await?;
            Ok(CallOutcome::Done(output))
        }
    }

    fn no_answer(&self) -> CallError {
        CallError::unknown(format!("no answer within {} ms", self.limit.as_millis()))
    }

    /// The outcome that a look-up implies; none if the call must be made.
    fn outcome_of(&self, status: Result<OperationStatus<Value>, CallError>) -> Option<CallOutcome> {
        Some(match status {
            Err(failure) => {
                // A failed look-up has no effect: an action that cannot have taken effect before still has not.
                let reason = failure.to_string();
                let found = if self.may_have_effect {
                    CallError::unknown(reason)
                } else {
                    CallError::transient(reason)
                };
                CallOutcome::Failed(found.with_retry_after(failure.retry_after()))
            }
            Ok(OperationStatus::Done(_)) if self.undo => return None,
            Ok(OperationStatus::Done(output)) => CallOutcome::Done(output),
            Ok(OperationStatus::Pending) => {
                CallOutcome::Failed(CallError::unknown("the provider has not finished"))
            }
            // Only asked for a step that was undone and whose key stayed open: nothing arrived since.
            Ok(
                OperationStatus::Absent
                | OperationStatus::Declined(_)
                | OperationStatus::Compensated,
            ) if self.undo => CallOutcome::Compensated(CompensationResult {
                had_effect: false,
                reference: None,
                key_closed: true,
            }),
            Ok(OperationStatus::Absent) => return None,
            Ok(OperationStatus::Declined(reason)) => {
                CallOutcome::Failed(CallError::Declined(reason))
            }
            Ok(OperationStatus::Compensated) => CallOutcome::Failed(CallError::Declined(
                "already undone at the provider".to_owned(),
            )),
        })
    }
}
