//! One saga, from news to news, until it must wait.
//!
//! ```text
//!   ┌─► commit what was heard and what follows from it ──► make the calls that it announced ─┐
//!   └───────────────────────── hear from one of them ◄──────────────────────────────────────┘
//!       until nothing can be done now, the partition is lost, or the engine stops
//! ```

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Shared;
use super::schedule::Rest;
use crate::clock::after;
use crate::execute::{Context, ExecuteError, Lane};
use crate::id::{CommandId, Version};
use crate::saga::advance::{Advance, News, Word};
use crate::saga::definition::{Kind, Saga};
use crate::saga::effects::{Effects, Failure, Key, Standing, Undone};
use crate::saga::next::{Move, Plan, next};
use crate::saga::state::{Outcome, Phase, Run, SagaState, Status};

/// Drives sagas of one kind, whatever its type.
#[async_trait]
pub(super) trait Driver: Send + Sync {
    /// The kind's name.
    fn name(&self) -> &'static str;

    /// Takes a saga as far as it goes now.
    async fn drive(&self, shared: &Arc<Shared>, saga_id: &Arc<str>, partition: u16) -> Rest;
}

/// Sagas of kind `S`.
pub(super) struct Typed<S: Saga> {
    pub(super) effects: Arc<dyn Effects<S>>,
}

#[async_trait]
impl<S: Saga> Driver for Typed<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    async fn drive(&self, shared: &Arc<Shared>, saga_id: &Arc<str>, partition: u16) -> Rest {
        let mut drive = Drive {
            shared,
            effects: &self.effects,
            saga_id,
            partition,
            calls: JoinSet::new(),
            live: Vec::new(),
            permits: Vec::new(),
        };
        match drive.run().await {
            Ok(rest) | Err(rest) => rest,
        }
    }
}

struct Drive<'a, S: Saga> {
    shared: &'a Arc<Shared>,
    effects: &'a Arc<dyn Effects<S>>,
    saga_id: &'a Arc<str>,
    partition: u16,
    calls: JoinSet<News<S>>,
    live: Vec<usize>,
    /// The right to make so many calls more.
    permits: Vec<OwnedSemaphorePermit>,
}

impl<S: Saga> Drive<'_, S> {
    async fn run(&mut self) -> Result<Rest, Rest> {
        let mut state = self.load().await?;
        let mut news = Vec::new();
        loop {
            if let Some(damage) = state.damage() {
                tracing::error!(
                    saga_id = &**self.saga_id,
                    damage,
                    "a saga's stream is damaged"
                );
                return Ok(Rest::Idle);
            }
            let run = state.run().ok_or(Rest::Idle)?;
            if matches!(run.phase, Phase::Ended(_)) {
                return Ok(Rest::Over);
            }
            let plan = next(run, self.shared.clock.now());
            if self.has_work(&plan, !news.is_empty()).await {
                let version = state.version();
                let lanes = lanes(run, &plan, &news);
                let before = Arc::clone(&state);
                let heard = std::mem::take(&mut news);
                state = self.commit(run, version, heard, lanes).await?;
                report(self.shared, &before, &state);
                news = self.make_calls(&state).await?;
                continue;
            }
            if self.live.is_empty() {
                return Ok(plan.wake_at.map_or(Rest::Idle, Rest::Until));
            }
            news.extend(self.listen(plan.wake_at).await);
        }
    }

    async fn load(&self) -> Result<Arc<SagaState<S>>, Rest> {
        match self
            .shared
            .executor
            .load::<SagaState<S>>(self.saga_id)
            .await
        {
            Ok((state, _)) => Ok(state),
            Err(error) => {
                tracing::warn!(
                    saga_id = &**self.saga_id,
                    error = &error as &dyn std::error::Error,
                    "a saga could not be read; it is tried again"
                );
                Err(self.later())
            }
        }
    }

    fn later(&self) -> Rest {
        Rest::Until(after(self.shared.clock.now(), self.shared.config.retry))
    }

    /// Whether a commit would get it on. A call needs a permit, and waits for one if nothing else is to be done.
    async fn has_work(&mut self, plan: &Plan, has_news: bool) -> bool {
        let mut calls = 0;
        let mut has_moves = has_news;
        for planned in &plan.moves {
            match planned {
                Move::Call { step, .. } if self.live.contains(step) => {}
                Move::Call { .. } => calls += 1,
                Move::GiveUp { step } => has_moves |= !self.live.contains(step),
                Move::Decide { .. }
                | Move::Compensate { .. }
                | Move::Complete
                | Move::Compensated => has_moves = true,
            }
        }
        // With news there is most likely a call behind it, which can then share its commit.
        let wanted = calls.max(usize::from(has_moves));
        if self.shared.stop.is_cancelled() {
            self.permits.clear();
            return has_news;
        }
        while self.permits.len() < wanted
            && let Ok(permit) = Arc::clone(&self.shared.calls).try_acquire_owned()
        {
            self.permits.push(permit);
        }
        if calls > 0 && !has_moves && self.permits.is_empty() && self.live.is_empty() {
            let permit = Arc::clone(&self.shared.calls).acquire_owned();
            tokio::select! {
                () = self.shared.stop.cancelled() => {}
                Ok(permit) = permit => self.permits.push(permit),
            }
        }
        has_moves || (calls > 0 && !self.permits.is_empty())
    }

    async fn commit(
        &self,
        run: &Run<S>,
        version: Version,
        news: Vec<News<S>>,
        lanes: Vec<Lane>,
    ) -> Result<Arc<SagaState<S>>, Rest> {
        let shared = self.shared;
        let advance = Advance {
            saga_id: Arc::clone(self.saga_id),
            news,
            live: self.live.clone(),
            slots: self.permits.len(),
            longest_pause: shared.config.longest_pause,
            lanes,
        };
        // The same try has the same id, so that it is resolved by being sent again; time first, as for all command ids.
        let label = format!("{}/{}/{}", self.saga_id, version.0, shared.config.owner);
        let command_id = CommandId::from_parts(shared.clock.now(), [0; 10]).child(&label);
        loop {
            let context = Context {
                command_id,
                deadline: Instant::now() + shared.config.commit_timeout,
                metadata: run.origin.clone(),
                fence: Some(shared.ownership.fence(self.partition).ok_or(Rest::Idle)?),
            };
            match shared.executor.execute(&advance, &context).await {
                Ok(done) => return Ok(done.answer),
                Err(ExecuteError::Refused(never)) => match never {},
                Err(ExecuteError::Fenced) => {
                    tracing::warn!(partition = self.partition, "a partition of sagas was lost");
                    shared.ownership.lose(self.partition);
                    return Err(Rest::Idle);
                }
                Err(ExecuteError::Unavailable(outcome)) => {
                    tracing::warn!(
                        saga_id = &**self.saga_id,
                        ?outcome,
                        "a saga's commit is tried again"
                    );
                }
                Err(error @ (ExecuteError::Failed(_) | ExecuteError::Reused)) => {
                    tracing::error!(
                        saga_id = &**self.saga_id,
                        error = &error as &dyn std::error::Error,
                        "a saga's commit failed"
                    );
                    return Err(self.later());
                }
            }
            tokio::time::sleep(shared.config.retry).await;
        }
    }

    /// Makes the calls that were announced. Gives news of those that are not to be made any more.
    async fn make_calls(&mut self, state: &SagaState<S>) -> Result<Vec<News<S>>, Rest> {
        let mut not_sent = Vec::new();
        let Some(run) = state.run() else {
            return Ok(not_sent);
        };
        let announced = run.announced().filter(|step| !self.live.contains(step));
        for index in announced.collect::<Vec<_>>() {
            let third = self.shared.config.lease / 3;
            if !self.shared.ownership.lasts(self.partition, third).await {
                return Err(Rest::Idle);
            }
            let Some(call) = self.plan_call(run, index) else {
                continue;
            };
            if !call.undo && self.is_cancelled().await? {
                not_sent.push(call.not_sent());
                continue;
            }
            self.live.push(index);
            let permit = self.permits.pop();
            let effects = Arc::clone(self.effects);
            self.calls.spawn(async move {
                let news = call.make(&*effects).await;
                drop(permit);
                news
            });
        }
        Ok(not_sent)
    }

    /// Whether somebody asked to cancel it since it was last read.
    async fn is_cancelled(&self) -> Result<bool, Rest> {
        if !self.shared.schedule.is_touched(self.saga_id) {
            return Ok(false);
        }
        let state = self.load().await?;
        Ok(state.run().is_some_and(|run| run.cancel.is_some()))
    }

    fn plan_call(&self, run: &Run<S>, index: usize) -> Option<Call<S>> {
        let (step, state) = run.step(index)?;
        let Kind::External { call, .. } = step.kind else {
            return None;
        };
        let undo = state.status == Status::Undoing;
        let left = state
            .deadline
            .filter(|_| !undo)
            .map(|deadline| until(self.shared.clock.now(), deadline));
        Some(Call {
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
            limit: left.map_or(step.timeout, |left| left.min(step.timeout)),
        })
    }

    /// Waits for word from a call, or until `wake_at`.
    async fn listen(&mut self, wake_at: Option<DateTime<Utc>>) -> Option<News<S>> {
        let pause = wake_at.map_or(Duration::from_hours(1), |at| {
            until(self.shared.clock.now(), at).max(Duration::from_millis(1))
        });
        let joined = tokio::select! {
            joined = self.calls.join_next() => joined?,
            () = tokio::time::sleep(pause) => return None,
        };
        match joined {
            Ok(news) => {
                self.live.retain(|step| *step != news.step);
                Some(news)
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a call failed");
                // Which one is not known, so all are made again, asking first.
                self.calls = JoinSet::new();
                self.live.clear();
                None
            }
        }
    }
}

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or(Duration::ZERO)
}

/// The streams that the next commit will surely write: those of the step that was heard of, and of local steps that
/// are due beside or behind it.
fn lanes<S: Saga>(run: &Run<S>, plan: &Plan, news: &[News<S>]) -> Vec<Lane> {
    let mut steps = Vec::new();
    for news in news {
        steps.push(news.step);
        let is_good = matches!(news.word, Word::Done(_));
        let neighbour = if is_good {
            Some(news.step + 1)
        } else {
            news.step.checked_sub(1)
        };
        steps.extend(neighbour.filter(|index| is_local(run, *index)));
    }
    for planned in &plan.moves {
        if let Move::Decide { step, .. } = planned {
            steps.push(*step);
        }
    }
    let steps = steps.into_iter().filter_map(|index| run.step(index));
    steps
        .flat_map(|(step, _)| (step.lanes)(&run.data))
        .collect()
}

fn is_local<S: Saga>(run: &Run<S>, index: usize) -> bool {
    run.step(index)
        .is_some_and(|(step, _)| matches!(step.kind, Kind::Local { .. }))
}

/// A call that was announced.
struct Call<S: Saga> {
    step: usize,
    name: &'static str,
    undo: bool,
    attempt: u32,
    key: Key,
    request: S::Call,
    looks_first: bool,
    limit: Duration,
}

impl<S: Saga> Call<S> {
    async fn make(self, effects: &dyn Effects<S>) -> News<S> {
        let begun = Instant::now();
        let made = tokio::time::timeout(self.limit, self.ask(effects)).await;
        let word = made.unwrap_or_else(|_| {
            let limit = self.limit.as_millis();
            Word::Failed(Failure::Unknown(format!("no answer within {limit} ms")))
        });
        let labels = [("saga", S::NAME), ("step", self.name)];
        metrics::histogram!("saga_step_duration_seconds", &labels).record(begun.elapsed());
        self.news(word)
    }

    fn not_sent(self) -> News<S> {
        self.news(Word::NotSent)
    }

    fn news(self, word: Word<S>) -> News<S> {
        News {
            step: self.step,
            undo: self.undo,
            attempt: self.attempt,
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
            Err(failure) => Word::Failed(Failure::Unknown(failure.to_string())),
            Ok(Standing::Done(_)) if self.undo => return None,
            Ok(Standing::Done(output)) => Word::Done(output),
            Ok(Standing::Pending) => {
                Word::Failed(Failure::Unknown("the provider has not finished".to_owned()))
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

/// Counts what a commit changed.
fn report<S: Saga>(shared: &Shared, before: &SagaState<S>, after: &SagaState<S>) {
    let (Some(before), Some(after)) = (before.run(), after.run()) else {
        return;
    };
    if let Phase::Ended(outcome) = after.phase {
        let counter = match outcome {
            Outcome::Completed => metrics::counter!("saga_completed_total", "saga" => S::NAME),
            Outcome::Compensated => metrics::counter!("saga_compensated_total", "saga" => S::NAME),
            Outcome::Failed => metrics::counter!("saga_failed_total", "saga" => S::NAME),
        };
        counter.increment(1);
        let took = until(after.started_at, shared.clock.now());
        metrics::histogram!("saga_duration_seconds", "saga" => S::NAME).record(took);
    }
    if before.suspended.is_none()
        && let Some((step, state)) = after.suspended.and_then(|index| after.step(index))
    {
        metrics::counter!("saga_suspended_total", "saga" => S::NAME).increment(1);
        tracing::error!(
            saga_id = after.saga_id,
            subject = after.subject,
            step = step.name,
            reason = state.reason,
            "a saga is suspended: a person must look at it"
        );
    }
}
