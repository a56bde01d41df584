//! One call to the outside: limited in time, and after asking first if it was made before.

use std::time::Duration;

use tokio::time::Instant;

use crate::saga::advance::{News, Word};
use crate::saga::definition::{Kind, Role, Saga};
use crate::saga::effects::{Effects, Failure, Key, Standing, Undone};
use crate::saga::state::{Run, Status};

/// A call that was announced.
#[derive(Clone)]
pub(super) struct Call<S: Saga> {
    pub(super) step: usize,
    name: &'static str,
    pub(super) undo: bool,
    attempt: u32,
    key: Key,
    request: S::Call,
    looks_first: bool,
    /// Whether it need not be made if the saga was cancelled before.
    pub(super) may_be_left_out: bool,
    limit: Duration,
}

impl<S: Saga> Call<S> {
    /// The call that a saga has announced for a step. `left` is how long it may take until the step's deadline.
    pub(super) fn plan(run: &Run<S>, index: usize, left: Option<Duration>) -> Option<Self> {
        let (step, state) = run.step(index)?;
        let Kind::External { call, .. } = step.kind else {
            return None;
        };
        let undo = state.status == Status::Undoing;
        // Of a pivot the outcome must be learnt, however late.
        let is_open_pivot = step.role == Role::Pivot && state.unresolved;
        let left = left.filter(|_| !undo && !is_open_pivot);
        Some(Self {
            step: index,
            name: step.name,
            undo,
            attempt: state.attempts,
            key: run.key(index)?,
            request: call(&run.data),
            looks_first: if undo {
                state.is_key_open
            } else {
                state.calls > 1
            },
            may_be_left_out: !undo && !is_open_pivot,
            limit: left.map_or(step.timeout, |left| left.min(step.timeout)),
        })
    }

    pub(super) async fn make(&self, effects: &dyn Effects<S>) -> News<S> {
        let begun = Instant::now();
        let made = tokio::time::timeout(self.limit, self.ask(effects)).await;
        let word = made.unwrap_or_else(|_| {
            let limit = self.limit.as_millis();
            Word::Failed(Failure::unknown(format!("no answer within {limit} ms")))
        });
        let labels = [("saga", S::NAME), ("step", self.name)];
        metrics::histogram!("saga_step_duration_seconds", &labels).record(begun.elapsed());
        self.news(word)
    }

    pub(super) fn not_sent(&self) -> News<S> {
        self.news(Word::NotSent)
    }

    /// What is said of a call that broke off.
    pub(super) fn broken(&self) -> News<S> {
        self.news(Word::Failed(Failure::unknown("the call broke off")))
    }

    fn news(&self, word: Word<S>) -> News<S> {
        News {
            step: self.step,
            undo: self.undo,
            attempt: self.attempt,
            key: self.key.clone(),
            word,
        }
    }

    async fn ask(&self, effects: &dyn Effects<S>) -> Word<S> {
        if self.looks_first {
            let seen = effects.look_up(&self.key, &self.request).await;
            if let Some(word) = self.judge(seen) {
                return word;
            }
        }
        if self.undo {
            match effects.undo(&self.key, &self.request).await {
                Ok(found) => Word::Undone(found),
                Err(failure) => Word::Failed(failure),
            }
        } else {
            match effects.act(&self.key, &self.request).await {
                Ok(output) => Word::Done(output),
                Err(failure) => Word::Failed(failure),
            }
        }
    }

    /// What the provider's knowledge means; nothing if the call must be made.
    fn judge(&self, seen: Result<Standing<S::Output>, Failure>) -> Option<Word<S>> {
        Some(match seen {
            Err(failure) => {
                Word::Failed(Failure::unknown(failure.to_string()).not_before(failure.wait()))
            }
            Ok(Standing::Done(_)) if self.undo => return None,
            Ok(Standing::Done(output)) => Word::Done(output),
            Ok(Standing::Pending) => {
                Word::Failed(Failure::unknown("the provider has not finished"))
            }
            Ok(Standing::Absent | Standing::Refused(_) | Standing::Undone) if self.undo => {
                Word::Undone(Undone {
                    happened: false,
                    reference: None,
                    closed: true,
                })
            }
            Ok(Standing::Absent) => return None,
            Ok(Standing::Refused(reason)) => Word::Failed(Failure::Refused(reason)),
            Ok(Standing::Undone) => {
                Word::Failed(Failure::Refused("it was undone at the provider".to_owned()))
            }
        })
    }
}
