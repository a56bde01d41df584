//! A provider with manners, over the book.

use sagas::{CallError, CompensationResult, OperationKey, OperationStatus};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::{
    Action, Decision, ProviderKind, Record, Rng, SimulatedLedger, SimulationConfig, State,
};

/// Whoever comes after the undo hears this.
const CLOSED: &str = "the key is closed: its undo came before";

/// A simulated provider of one kind.
#[derive(Debug)]
pub struct Provider {
    kind: ProviderKind,
    conduct: SimulationConfig,
    dice: Rng,
    book: SimulatedLedger,
    /// Calls on their way. They arrive although their callers may be gone.
    on_the_way: TaskTracker,
}

/// An action as a step asks for it.
#[derive(Clone, Debug)]
pub(crate) struct ProviderRequest {
    /// As it goes into the book if the provider does it.
    pub action: Action,
    /// Why the provider refuses when it does so at random.
    pub refusal: &'static str,
}

impl Provider {
    /// A provider of `kind` that writes `book`; its calls on the way are counted in `on_the_way`.
    #[must_use]
    pub fn new(
        kind: ProviderKind,
        conduct: SimulationConfig,
        dice: Rng,
        book: SimulatedLedger,
        on_the_way: TaskTracker,
    ) -> Self {
        Self {
            kind,
            conduct,
            dice,
            book,
            on_the_way,
        }
    }

    /// Does it, and gives its reference.
    pub(crate) async fn act(&self, mut asked: ProviderRequest) -> Result<String, CallError> {
        self.be_available()?;
        if let Some(reason) = self.declines(&asked) {
            asked.action.decision = Decision::Declined(reason);
        }
        let action = asked.action;
        if self.dice.hits(self.conduct.duplicate_rate) {
            drop(self.send(action.clone(), false));
        }
        let record = arrived(self.send(action.clone(), false)).await?;
        if record.deliveries == 1 && record.undos == 0 {
            self.maybe_never_answer().await;
        }
        if record.order_id != action.order_id.as_str() || record.amount != action.amount {
            return Err(CallError::declined("the key belongs to another request"));
        }
        match record.state {
            State::Done => Ok(record.reference),
            State::Declined => Err(CallError::Declined(record.reference)),
            State::Compensated | State::Closed => Err(CallError::declined(CLOSED)),
        }
    }

    /// Reverses it, and closes its key.
    pub(crate) async fn undo(&self, action: Action) -> Result<CompensationResult, CallError> {
        self.be_available()?;
        let record = arrived(self.send(action, true)).await?;
        if record.undos == 1 {
            self.maybe_never_answer().await;
        }
        Ok(match record.state {
            State::Compensated => CompensationResult {
                had_effect: true,
                reference: Some(record.undo_reference),
                key_closed: true,
            },
            State::Done | State::Declined | State::Closed => CompensationResult::NOTHING,
        })
    }

    /// What holds under the key; of what was done, its reference.
    pub(crate) async fn look_up(
        &self,
        key: &OperationKey,
    ) -> Result<OperationStatus<String>, CallError> {
        self.be_available()?;
        tokio::time::sleep(self.conduct.latency).await;
        let record = self.book.look_up(self.kind, key).await?;
        Ok(match record {
            None => OperationStatus::Absent,
            Some(record) => match record.state {
                State::Done => OperationStatus::Done(record.reference),
                State::Declined => OperationStatus::Declined(record.reference),
                State::Compensated | State::Closed => OperationStatus::Compensated,
            },
        })
    }

    fn be_available(&self) -> Result<(), CallError> {
        if self.dice.hits(self.conduct.unavailable_rate) {
            return Err(CallError::transient(
                "the simulated provider is not available",
            ));
        }
        Ok(())
    }

    fn declines(&self, asked: &ProviderRequest) -> Option<String> {
        let amount = asked.action.amount;
        if let Some(limit) = self.conduct.decline_over.filter(|limit| amount > *limit) {
            return Some(format!("{}: {amount} is more than {limit}", asked.refusal));
        }
        let fails = self.dice.hits(self.conduct.fail_rate);
        fails.then(|| asked.refusal.to_owned())
    }

    /// Sends a call on its way. From here on it arrives, whether somebody waits for it or not.
    fn send(&self, action: Action, undo: bool) -> oneshot::Receiver<Result<Record, CallError>> {
        let (answer, answered) = oneshot::channel();
        let (book, latency) = (self.book.clone(), self.conduct.latency);
        self.on_the_way.spawn(async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            let record = if undo {
                book.undo(action).await
            } else {
                book.act(action).await
            };
            // Nobody may be waiting any more.
            let _ = answer.send(record);
        });
        answered
    }

    async fn maybe_never_answer(&self) {
        if self.dice.hits(self.conduct.timeout_rate) {
            std::future::pending::<()>().await;
        }
    }
}

async fn arrived(
    answer: oneshot::Receiver<Result<Record, CallError>>,
) -> Result<Record, CallError> {
    let lost = CallError::unknown("the simulated provider stopped while it worked");
    answer.await.unwrap_or(Err(lost))
}
