//! A provider as it should be: each action takes effect once for its key, and never under a closed one.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;

use super::fault::{CallFault, Turn};
use super::scenario::Scenario;
use super::script::{Cue, Script};
use crate::{Effects, Failure, Key, Saga, Standing, Undone};

/// The provider's book.
pub struct Book<C: Scenario> {
    scenario: Arc<C>,
    script: Arc<Script>,
    pages: Mutex<Pages<C::Saga>>,
}

impl<C: Scenario> fmt::Debug for Book<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.pages.lock().entries.iter())
            .finish()
    }
}

struct Pages<S: Saga> {
    entries: BTreeMap<Key, Entry<S>>,
    /// Actions that are still on their way.
    late: Vec<(Key, S::Call)>,
}

#[derive(Clone, Debug)]
struct Entry<S: Saga> {
    call: S::Call,
    /// What the action brought, if it took effect.
    output: Option<S::Output>,
    /// How often it took effect.
    effects: usize,
    /// How often it was asked for.
    asked: usize,
    is_undone: bool,
    is_closed: bool,
    is_declined: bool,
}

/// An action that took effect and was not undone.
#[derive(Clone, Debug)]
pub struct Deal<S: Saga> {
    /// The step.
    pub step: String,
    /// Its key.
    pub key: Key,
    /// What was asked for.
    pub call: S::Call,
    /// What it brought.
    pub output: S::Output,
}

fn step_of(key: &Key) -> &str {
    key.as_str().rsplit('/').nth(1).unwrap_or_default()
}

impl<C: Scenario> Book<C> {
    pub(super) fn new(scenario: Arc<C>, script: Arc<Script>) -> Self {
        let pages = Mutex::new(Pages {
            entries: BTreeMap::new(),
            late: Vec::new(),
        });
        Self {
            scenario,
            script,
            pages,
        }
    }

    /// The actions that took effect and were not undone.
    #[must_use]
    pub fn deals(&self) -> Vec<Deal<C::Saga>> {
        let pages = self.pages.lock();
        let deals = pages.entries.iter().filter_map(|(key, entry)| {
            Some(Deal {
                step: step_of(key).to_owned(),
                key: key.clone(),
                call: entry.call.clone(),
                output: entry.output.clone().filter(|_| !entry.is_undone)?,
            })
        });
        deals.collect()
    }

    /// How often a step's action was asked for.
    pub(super) fn asked(&self, step: &str) -> usize {
        let pages = self.pages.lock();
        let entries = pages.entries.iter().filter(|(key, _)| step_of(key) == step);
        entries.map(|(_, entry)| entry.asked).sum()
    }

    /// Actions that took effect more than once.
    pub(super) fn doubled(&self) -> Vec<Key> {
        let pages = self.pages.lock();
        let doubled = pages.entries.iter().filter(|(_, entry)| entry.effects > 1);
        doubled.map(|(key, _)| key.clone()).collect()
    }

    /// What was on its way arrives.
    pub(super) fn deliver(&self) {
        let late = std::mem::take(&mut self.pages.lock().late);
        for (key, call) in late {
            // Nobody waits for the answer any more.
            let _answer = self.take_effect(&key, &call);
        }
    }

    fn with<T>(
        &self,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
        ask: impl FnOnce(&mut Entry<C::Saga>) -> T,
    ) -> T {
        let mut pages = self.pages.lock();
        let entry = pages.entries.entry(key.clone()).or_insert_with(|| Entry {
            call: call.clone(),
            output: None,
            effects: 0,
            asked: 0,
            is_undone: false,
            is_closed: false,
            is_declined: false,
        });
        ask(entry)
    }

    fn take_effect(
        &self,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
    ) -> Result<<C::Saga as Saga>::Output, Failure> {
        self.with(key, call, |entry| {
            if entry.is_closed || entry.is_declined {
                return Err(Failure::Refused("the key is closed".to_owned()));
            }
            if let Some(output) = entry.output.clone().filter(|_| !entry.is_undone) {
                return Ok(output);
            }
            let output = self.scenario.answer(call);
            entry.effects += 1;
            (entry.output, entry.is_undone) = (Some(output.clone()), false);
            Ok(output)
        })
    }

    fn decline(&self, key: &Key, call: &<C::Saga as Saga>::Call) -> Failure {
        self.with(key, call, |entry| entry.is_declined = true);
        Failure::Refused("declined".to_owned())
    }

    fn send_late(&self, key: &Key, call: &<C::Saga as Saga>::Call) {
        self.pages.lock().late.push((key.clone(), call.clone()));
    }

    fn reverse(&self, key: &Key, call: &<C::Saga as Saga>::Call, closes: bool) -> Undone {
        self.with(key, call, |entry| {
            entry.is_undone = true;
            entry.is_closed |= closes;
            Undone {
                happened: entry.output.is_some(),
                reference: Some(format!("undo of {key}")),
                closed: closes,
            }
        })
    }

    /// The action of the step that meets the fault. None if it is to be done as ever.
    async fn faulty_action(
        &self,
        how: CallFault,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
    ) -> Option<Result<<C::Saga as Saga>::Output, Failure>> {
        let script = &self.script;
        let most = match how {
            CallFault::FailsTwice => 2,
            CallFault::FailsAlways | CallFault::KeyStaysOpen => usize::MAX,
            // Every try is late, so that the action meets the compensation.
            CallFault::Late if script.is_compensatable => usize::MAX,
            // At the commit that announces it.
            CallFault::CancelBefore => 0,
            _ => 1,
        };
        if !script.fires(most) {
            return None;
        }
        match how {
            CallFault::FailsTwice | CallFault::FailsAlways => {
                return Some(Err(Failure::not_done("out of order")));
            }
            CallFault::Declined => return Some(Err(self.decline(key, call))),
            CallFault::AnswerLost => {
                let _lost = self.take_effect(key, call);
                return Some(Err(Failure::unknown("connection reset")));
            }
            CallFault::NeverAnswers => std::future::pending::<()>().await,
            CallFault::DoneNeverAnswers => {
                let _lost = self.take_effect(key, call);
                std::future::pending::<()>().await;
            }
            CallFault::Late | CallFault::KeyStaysOpen => {
                self.send_late(key, call);
                std::future::pending::<()>().await;
            }
            CallFault::Twice => self.send_late(key, call),
            CallFault::CrashBefore => script.crash().await,
            CallFault::CrashAfter => {
                let _lost = self.take_effect(key, call);
                script.crash().await;
            }
            CallFault::CancelDuring => script.cue(Cue::Cancel).await,
            CallFault::Zombie => {
                let answer = self.take_effect(key, call);
                script.cue(Cue::Usurp).await;
                return Some(answer);
            }
            // Without the hook that prints where.
            CallFault::Panics => std::panic::resume_unwind(Box::new("the provider panics")),
            CallFault::CancelBefore => {}
        }
        None
    }

    async fn faulty_undo(
        &self,
        how: CallFault,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
    ) -> Option<Result<Undone, Failure>> {
        let script = &self.script;
        let most = match how {
            CallFault::FailsTwice => 2,
            CallFault::FailsAlways => usize::MAX,
            _ => 1,
        };
        if !script.fires(most) {
            return None;
        }
        match how {
            CallFault::FailsTwice | CallFault::FailsAlways => {
                return Some(Err(Failure::unknown("out of order")));
            }
            CallFault::AnswerLost => {
                let _lost = self.reverse(key, call, true);
                return Some(Err(Failure::unknown("connection reset")));
            }
            CallFault::NeverAnswers => std::future::pending::<()>().await,
            CallFault::DoneNeverAnswers => {
                let _lost = self.reverse(key, call, true);
                std::future::pending::<()>().await;
            }
            CallFault::CrashBefore => script.crash().await,
            CallFault::CrashAfter => {
                let _lost = self.reverse(key, call, true);
                script.crash().await;
            }
            CallFault::Zombie => {
                let answer = self.reverse(key, call, true);
                script.cue(Cue::Usurp).await;
                return Some(Ok(answer));
            }
            // Without the hook that prints where.
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
impl<C: Scenario> Effects<C::Saga> for Book<C> {
    async fn act(
        &self,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
    ) -> Result<<C::Saga as Saga>::Output, Failure> {
        self.with(key, call, |entry| entry.asked += 1);
        if self.script.turns_by_declining(step_of(key)) {
            return Err(self.decline(key, call));
        }
        if step_of(key) == self.script.step {
            if self.script.turns(Turn::CancelDuring) {
                self.script.cue(Cue::Cancel).await;
            }
            if let Some(how) = self.script.fault.and_then(|fault| fault.is_call(false))
                && let Some(answer) = self.faulty_action(how, key, call).await
            {
                return answer;
            }
        }
        self.take_effect(key, call)
    }

    async fn look_up(
        &self,
        key: &Key,
        call: &<C::Saga as Saga>::Call,
    ) -> Result<Standing<<C::Saga as Saga>::Output>, Failure> {
        Ok(self.with(key, call, |entry| match &entry.output {
            _ if entry.is_declined => Standing::Refused("declined".to_owned()),
            _ if entry.is_undone => Standing::Undone,
            Some(output) => Standing::Done(output.clone()),
            None => Standing::Absent,
        }))
    }

    async fn undo(&self, key: &Key, call: &<C::Saga as Saga>::Call) -> Result<Undone, Failure> {
        let is_target = step_of(key) == self.script.step;
        if is_target
            && let Some(how) = self.script.fault.and_then(|fault| fault.is_call(true))
            && let Some(answer) = self.faulty_undo(how, key, call).await
        {
            return answer;
        }
        let how = self.script.fault.and_then(|fault| fault.is_call(false));
        if is_target && how == Some(CallFault::KeyStaysOpen) {
            let undone = self.reverse(key, call, false);
            self.deliver();
            return Ok(undone);
        }
        let undone = self.reverse(key, call, true);
        if is_target && how == Some(CallFault::Late) {
            self.deliver();
        }
        Ok(undone)
    }
}
