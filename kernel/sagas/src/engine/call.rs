//! One call to the outside: limited in time, and after asking first if it was made before.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::advance::{CallOutcome, StepResult};
use crate::definition::{AnyProvider, Role, Saga};
use crate::operation::{CallError, CompensationResult, OperationKey, OperationStatus};
use crate::state::{Run, StepStatus};

/// A call that was announced.
pub(super) struct ProviderCall<S: Saga> {
    pub(super) step: usize,
    name: &'static str,
    pub(super) undo: bool,
    attempt: u32,
    key: OperationKey,
    data: S::Data,
    provider: Arc<dyn AnyProvider<S>>,
    looks_first: bool,
    /// Whether the action may have happened before this try.
    may_have_happened: bool,
    role: Role,
    limit: Duration,
}

impl<S: Saga> ProviderCall<S> {
    /// The call that a saga has announced for a step. `left` is how long it may take until the step's deadline.
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
            looks_first: if undo {
                state.is_key_open
            } else {
                state.calls > 1
            },
            may_have_happened: undo || state.unresolved,
            role: step.role,
            limit: step.timeout,
        };
        let left = left.filter(|_| !planned.must_be_made());
        let limit = left.map_or(step.timeout, |left| left.min(step.timeout));
        Some(Self { limit, ..planned })
    }

    /// Whether it is made even if the saga was cancelled before, or its time is over: what is to be undone must be, and
    /// of a pivot that may have happened the outcome must be learnt, however late.
    pub(super) fn must_be_made(&self) -> bool {
        self.undo || (self.role == Role::Pivot && self.may_have_happened)
    }

    pub(super) async fn make(&self) -> StepResult {
        let begun = Instant::now();
        let word = self.ask(begun + self.limit).await;
        let labels = [("saga", S::NAME), ("step", self.name)];
        metrics::histogram!("saga_step_duration_seconds", &labels).record(begun.elapsed());
        self.result(word)
    }

    pub(super) fn not_sent(&self) -> StepResult {
        self.result(CallOutcome::NotSent)
    }

    /// What is said of a call that broke off.
    pub(super) fn broken(&self) -> StepResult {
        self.result(CallOutcome::Failed(CallError::unknown(
            "the call broke off",
        )))
    }

    fn result(&self, word: CallOutcome) -> StepResult {
        StepResult {
            step: self.step,
            undo: self.undo,
            attempt: self.attempt,
            key: self.key.clone(),
            outcome: word,
        }
    }

    async fn ask(&self, until: Instant) -> CallOutcome {
        if self.looks_first {
            let seen = timeout_at(until, self.provider.look_up(&self.key)).await;
            if let Some(word) = self.outcome_of(seen.unwrap_or_else(|_| Err(self.no_answer()))) {
                return word;
            }
        }
        let sent = timeout_at(until, self.send()).await;
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

    /// What the provider's knowledge means; nothing if the call must be made.
    fn outcome_of(&self, seen: Result<OperationStatus<Value>, CallError>) -> Option<CallOutcome> {
        Some(match seen {
            Err(failure) => {
                // Asking changes nothing: what had not happened before still has not.
                let reason = failure.to_string();
                let found = if self.may_have_happened {
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
                "it was undone at the provider".to_owned(),
            )),
        })
    }
}
