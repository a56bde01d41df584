//! The fault of one case.

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::fault::{CompensationTrigger, Fault};

/// An action of the case, requested by a call or a commit that waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The process crashes; another takes over.
    Crash,
    /// The saga is cancelled.
    Cancel,
    /// Another owner takes the leases, as if the process had been paused for longer than they are valid.
    StealLease,
}

/// The signals, each with a channel that reports its completion.
pub(super) type Signals = mpsc::UnboundedReceiver<(Signal, oneshot::Sender<()>)>;

/// Decides when the fault of a case fires, and records that it did.
#[derive(Debug)]
pub(super) struct FaultPlan {
    /// None in the case without a fault.
    pub(super) fault: Option<Fault>,
    /// The step with the fault.
    pub(super) step: &'static str,
    /// How the saga is made to undo the step, if the fault is one of its compensation.
    pub(super) trigger: Option<CompensationTrigger>,
    /// Whether the step can be undone, so that its failure starts compensation.
    pub(super) is_compensatable: bool,
    /// The stored type of the saga's stream.
    pub(super) stream_type: &'static str,
    signals: mpsc::UnboundedSender<(Signal, oneshot::Sender<()>)>,
    progress: Mutex<FaultProgress>,
}

#[derive(Debug, Default)]
struct FaultProgress {
    fired: usize,
    healed: bool,
    triggered: bool,
}

impl FaultPlan {
    /// A plan without a fault, for a saga whose stream has this type. Its signals go to the receiver.
    pub(super) fn new(stream_type: &'static str) -> (Self, Signals) {
        let (signals, receiver) = mpsc::unbounded_channel();
        let plan = Self {
            fault: None,
            step: "",
            trigger: None,
            is_compensatable: false,
            stream_type,
            signals,
            progress: Mutex::default(),
        };
        (plan, receiver)
    }

    /// Fires the fault, unless it has fired `most` times or was repaired. Returns whether it fired.
    pub(super) fn fires(&self, most: usize) -> bool {
        let mut progress = self.progress.lock();
        let fires = progress.fired < most && !progress.healed;
        progress.fired += usize::from(fires);
        fires
    }

    pub(super) fn has_fired(&self) -> bool {
        self.progress.lock().fired > 0
    }

    /// Repairs the fault, as an operator would.
    pub(super) fn heal(&self) {
        self.progress.lock().healed = true;
    }

    /// Whether compensation is to be triggered here. True once.
    pub(super) fn triggers(&self, trigger: CompensationTrigger) -> bool {
        let mut progress = self.progress.lock();
        let triggers = self.trigger == Some(trigger) && !progress.triggered;
        progress.triggered |= triggers;
        triggers
    }

    /// Whether compensation is to be triggered by declining this step. True once.
    pub(super) fn triggers_by_declining(&self, step: &str) -> bool {
        match self.trigger {
            Some(trigger @ CompensationTrigger::Declined(at)) if at == step => {
                self.triggers(trigger)
            }
            _ => false,
        }
    }

    /// Sends a signal to the case, and waits until it is handled.
    pub(super) async fn signal(&self, signal: Signal) {
        let (done, waits) = oneshot::channel();
        if self.signals.send((signal, done)).is_ok() {
            // A crash drops the sender.
            let _ended = waits.await;
        }
    }

    /// Crashes the process; never returns.
    pub(super) async fn crash(&self) {
        self.signal(Signal::Crash).await;
        std::future::pending::<()>().await;
    }
}
