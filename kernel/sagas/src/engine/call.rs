//! One call to the outside: limited in time, and after asking first if it was made before.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::advance::{News, Word};
use crate::definition::{AnyProvider, Role, Saga};
use crate::operation::{Failure, Key, Standing, Undone};
use crate::state::{Run, Status};

/// A call that was announced.
pub(super) struct Call<S: Saga> {
    pub(super) step: usize,
    name: &'static str,
    pub(super) undo: bool,
    attempt: u32,
    key: Key,
    data: S::Data,
    provider: Arc<dyn AnyProvider<S>>,
    looks_first: bool,
    /// Whether the action may have happened before this try.
    may_have_happened: bool,
    role: Role,
    limit: Duration,
}

impl<S: Saga> Call<S> {
    /// The call that a saga has announced for a step. `left` is how long it may take until the step's deadline.
    pub(super) fn plan(
        run: &Run<S>,
        index: usize,
        provider: &Arc<dyn AnyProvider<S>>,
        left: Option<Duration>,
    ) -> Option<Self> {
        let (step, state) = run.step(index)?;
        let undo = state.status == Status::Undoing;
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

    pub(super) async fn make(&self) -> News {
        let begun = Instant::now();
        let word = self.ask(begun + self.limit).await;
        let labels = [("saga", S::NAME), ("step", self.name)];
        metrics::histogram!("saga_step_duration_seconds", &labels).record(begun.elapsed());
        self.news(word)
    }

    pub(super) fn not_sent(&self) -> News {
        self.news(Word::NotSent)
    }

    /// What is said of a call that broke off.
    pub(super) fn broken(&self) -> News {
        self.news(Word::Failed(Failure::unknown("the call broke off")))
    }

    fn news(&self, word: Word) -> News {
        News {
            step: self.step,
            undo: self.undo,
            attempt: self.attempt,
            key: self.key.clone(),
            word,
        }
    }

    async fn ask(&self, until: Instant) -> Word {
        if self.looks_first {
            let seen = timeout_at(until, self.provider.look_up(&self.key)).await;
            if let Some(word) = self.judge(seen.unwrap_or_else(|_| Err(self.no_answer()))) {
                return word;
            }
        }
        let sent = timeout_at(until, self.send()).await;
        sent.unwrap_or_else(|_| Err(self.no_answer()))
            .unwrap_or_else(Word::Failed)
    }

    async fn send(&self) -> Result<Word, Failure> {
        if self.undo {
            let undone = self.provider.undo(&self.key, &self.data).await?;
            Ok(Word::Undone(undone))
        } else {
            let output = self.provider.act(&self.key, &self.data).await?;
            Ok(Word::Done(output))
        }
    }

    fn no_answer(&self) -> Failure {
        Failure::unknown(format!("no answer within {} ms", self.limit.as_millis()))
    }

    /// What the provider's knowledge means; nothing if the call must be made.
    fn judge(&self, seen: Result<Standing<Value>, Failure>) -> Option<Word> {
        Some(match seen {
            Err(failure) => {
                // Asking changes nothing: what had not happened before still has not.
                let reason = failure.to_string();
                let found = if self.may_have_happened {
                    Failure::unknown(reason)
                } else {
                    Failure::not_done(reason)
                };
                Word::Failed(found.not_before(failure.wait()))
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
