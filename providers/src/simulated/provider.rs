//! A provider with a configured behaviour, on the ledger.

use sagas::{CallError, CompensationResult, OperationKey, OperationStatus};
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;

use super::{
    Action, Decision, ProviderKind, Record, Rng, SimulatedLedger, SimulationConfig, State,
};

const CLOSED: &str = "the key is closed: it was undone before";

/// A simulated provider of one kind.
#[derive(Debug)]
pub struct Provider {
    kind: ProviderKind,
    config: SimulationConfig,
    rng: Rng,
    book: SimulatedLedger,
    /// Calls in flight. They arrive also if their callers were dropped.
    on_the_way: TaskTracker,
}

/// An action of a step.
#[derive(Clone, Debug)]
pub(crate) struct ProviderRequest {
    /// The row for the ledger, if the provider executes the action.
    pub action: Action,
    /// The reason of a random decline.
    pub decline_reason: &'static str,
}

impl Provider {
    /// A provider of `kind` that writes to `book`; `on_the_way` tracks its calls in flight.
    #[must_use]
    pub fn new(
        kind: ProviderKind,
        config: SimulationConfig,
        rng: Rng,
        book: SimulatedLedger,
        on_the_way: TaskTracker,
    ) -> Self {
        Self {
            kind,
            config,
            rng,
            book,
            on_the_way,
        }
    }

    /// Executes the action, and returns its reference.
    pub(crate) async fn act(&self, mut asked: ProviderRequest) -> Result<String, CallError> {
        self.be_available()?;
        if let Some(reason) = self.declines(&asked) {
            asked.action.decision = Decision::Declined(reason);
        }
        let action = asked.action;
        if self.rng.hits(self.config.duplicate_rate) {
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

    /// Undoes the action, and closes its key.
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

    /// The status of the key, with the reference if it is done.
    pub(crate) async fn look_up(
        &self,
        key: &OperationKey,
    ) -> Result<OperationStatus<String>, CallError> {
        self.be_available()?;
        tokio::time::sleep(self.config.latency).await;
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
        if self.rng.hits(self.config.unavailable_rate) {
            return Err(CallError::transient(
                "the simulated provider is not available",
            ));
        }
        Ok(())
    }

    fn declines(&self, asked: &ProviderRequest) -> Option<String> {
        let amount = asked.action.amount;
        if let Some(limit) = self.config.decline_over.filter(|limit| amount > *limit) {
            return Some(format!(
                "{}: {amount} is more than {limit}",
                asked.decline_reason
            ));
        }
        let fails = self.rng.hits(self.config.fail_rate);
        fails.then(|| asked.decline_reason.to_owned())
    }

    /// Starts a call. From here on it arrives, also if the caller is dropped.
    fn send(&self, action: Action, undo: bool) -> oneshot::Receiver<Result<Record, CallError>> {
        let (answer, answered) = oneshot::channel();
        let (book, latency) = (self.book.clone(), self.config.latency);
        self.on_the_way.spawn(async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            let record = if undo {
                book.undo(action).await
            } else {
                book.act(action).await
            };
            // The caller may have dropped its call.
            let _ = answer.send(record);
        });
        answered
    }

    async fn maybe_never_answer(&self) {
        if self.rng.hits(self.config.timeout_rate) {
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
