//! A provider that injects the fault of the plan into the calls of one step.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;

use super::fake_provider::FakeProvider;
use super::fault::{CallFault, CompensationTrigger};
use super::fault_plan::{FaultPlan, Signal};
use crate::definition::AnyProvider;
use crate::{CallError, CompensationResult, OperationKey, OperationStatus, Saga, Step};

/// The calls of one saga, from all processes.
pub(super) struct Calls<S: Saga> {
    pub(super) plan: Arc<FaultPlan>,
    pub(super) provider: FakeProvider,
    asked: Mutex<BTreeMap<&'static str, usize>>,
    late: Mutex<Vec<Late<S>>>,
}

/// An action that is still in flight.
struct Late<S: Saga> {
    provider: Arc<dyn AnyProvider<S>>,
    key: OperationKey,
    data: S::Data,
}

impl<S: Saga> Calls<S> {
    pub(super) fn new(plan: Arc<FaultPlan>, provider: FakeProvider) -> Self {
        Self {
            plan,
            provider,
            asked: Mutex::default(),
            late: Mutex::default(),
        }
    }

    /// How often a step's action was called.
    pub(super) fn calls(&self, step: &str) -> usize {
        self.asked.lock().get(step).copied().unwrap_or(0)
    }

    /// Delivers the late actions.
    pub(super) async fn deliver(&self) {
        let late = std::mem::take(&mut *self.late.lock());
        for call in late {
            // Its caller has timed out.
            let _answer = call.provider.act(&call.key, &call.data).await;
        }
    }
}

/// The provider of a step.
pub(super) struct FaultyProvider<S: Saga> {
    pub(super) step: &'static Step<S>,
    pub(super) calls: Arc<Calls<S>>,
    pub(super) inner: Arc<dyn AnyProvider<S>>,
}

impl<S: Saga> FaultyProvider<S> {
    /// The fault of this step's calls, if it has one.
    fn fault(&self, undo: bool) -> Option<CallFault> {
        let plan = &self.calls.plan;
        let fault = plan.fault.filter(|_| plan.step == self.step.name);
        fault.and_then(|fault| fault.is_call(undo))
    }

    fn send_late(&self, key: &OperationKey, data: &S::Data) {
        self.calls.late.lock().push(Late {
            provider: Arc::clone(&self.inner),
            key: key.clone(),
            data: data.clone(),
        });
    }

    /// Executes the action with the fault. None if the normal call is to follow.
    async fn faulty_action(
        &self,
        how: CallFault,
        key: &OperationKey,
        data: &S::Data,
    ) -> Option<Result<Value, CallError>> {
        let plan = &self.calls.plan;
        let most = match how {
            CallFault::FailsTwice => 2,
            CallFault::FailsAlways | CallFault::KeyStaysOpen => usize::MAX,
            // Every try is late, so that the action arrives after the compensation.
            CallFault::Late if plan.is_compensatable => usize::MAX,
            // The store fires it, at the commit that records the intent.
            CallFault::CancelBefore => 0,
            _ => 1,
        };
        if !plan.fires(most) {
            return None;
        }
        match how {
            CallFault::FailsTwice | CallFault::FailsAlways => {
                return Some(Err(CallError::transient("out of order")));
            }
            CallFault::Declined => {
                return Some(Err(self.calls.provider.decline(key, self.step.name)));
            }
            CallFault::AnswerLost => {
                let _lost = self.inner.act(key, data).await;
                return Some(Err(CallError::unknown("connection reset")));
            }
            CallFault::NeverAnswers => std::future::pending::<()>().await,
            CallFault::DoneNeverAnswers => {
                let _lost = self.inner.act(key, data).await;
                std::future::pending::<()>().await;
            }
            CallFault::Late | CallFault::KeyStaysOpen => {
                self.send_late(key, data);
                std::future::pending::<()>().await;
            }
            CallFault::Twice => self.send_late(key, data),
            CallFault::CrashBefore => plan.crash().await,
            CallFault::CrashAfter => {
                let _lost = self.inner.act(key, data).await;
                plan.crash().await;
            }
            CallFault::CancelDuring => plan.signal(Signal::Cancel).await,
            CallFault::Zombie => {
                let answer = self.inner.act(key, data).await;
                plan.signal(Signal::StealLease).await;
                return Some(answer);
            }
            // Bypasses the panic hook, which would print a backtrace.
            CallFault::Panics => std::panic::resume_unwind(Box::new("the provider panics")),
            CallFault::CancelBefore => {}
        }
        None
    }

    async fn faulty_undo(
        &self,
        how: CallFault,
        key: &OperationKey,
        data: &S::Data,
    ) -> Option<Result<CompensationResult, CallError>> {
        let plan = &self.calls.plan;
        let most = match how {
            CallFault::FailsTwice => 2,
            CallFault::FailsAlways => usize::MAX,
            _ => 1,
        };
        if !plan.fires(most) {
            return None;
        }
        match how {
            CallFault::FailsTwice | CallFault::FailsAlways => {
                return Some(Err(CallError::unknown("out of order")));
            }
            CallFault::AnswerLost => {
                let _lost = self.inner.undo(key, data).await;
                return Some(Err(CallError::unknown("connection reset")));
            }
            CallFault::NeverAnswers => std::future::pending::<()>().await,
            CallFault::DoneNeverAnswers => {
                let _lost = self.inner.undo(key, data).await;
                std::future::pending::<()>().await;
            }
            CallFault::CrashBefore => plan.crash().await,
            CallFault::CrashAfter => {
                let _lost = self.inner.undo(key, data).await;
                plan.crash().await;
            }
            CallFault::Zombie => {
                let answer = self.inner.undo(key, data).await;
                plan.signal(Signal::StealLease).await;
                return Some(answer);
            }
            // Bypasses the panic hook, which would print a backtrace.
            CallFault::Panics => std::panic::resume_unwind(Box::new("the provider panics")),
            CallFault::Declined
            | CallFault::Late
            | CallFault::Twice
            | CallFault::CancelBefore
            | CallFault::CancelDuring
            | CallFault::KeyStaysOpen => {}
        }
        None
    }
}

#[async_trait]
impl<S: Saga> AnyProvider<S> for FaultyProvider<S> {
    async fn act(&self, key: &OperationKey, data: &S::Data) -> Result<Value, CallError> {
        let (calls, step) = (&self.calls, self.step.name);
        *calls.asked.lock().entry(step).or_default() += 1;
        if calls.plan.triggers_by_declining(step) {
            return Err(calls.provider.decline(key, step));
        }
        if calls.plan.step == step && calls.plan.triggers(CompensationTrigger::CancelDuring) {
            calls.plan.signal(Signal::Cancel).await;
        }
        if let Some(how) = self.fault(false)
            && let Some(answer) = self.faulty_action(how, key, data).await
        {
            return answer;
        }
        self.inner.act(key, data).await
    }

    async fn look_up(&self, key: &OperationKey) -> Result<OperationStatus<Value>, CallError> {
        self.inner.look_up(key).await
    }

    async fn undo(
        &self,
        key: &OperationKey,
        data: &S::Data,
    ) -> Result<CompensationResult, CallError> {
        if let Some(how) = self.fault(true)
            && let Some(answer) = self.faulty_undo(how, key, data).await
        {
            return answer;
        }
        let undone = self.inner.undo(key, data).await?;
        if let Some(CallFault::Late | CallFault::KeyStaysOpen) = self.fault(false) {
            self.calls.deliver().await;
        }
        Ok(undone)
    }
}
