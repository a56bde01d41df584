//! The fault of one case.

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::fault::{CompensationTrigger, Fault};

/// Something that the case does while a call or a commit waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// The process ends without a word; another takes over.
    Crash,
    /// The saga is cancelled.
    Cancel,
    /// Somebody else takes the leases, as if the process had stood still for too long.
    StealLease,
}

/// The cues, each with whom to tell that it is done.
pub(super) type Cues = mpsc::UnboundedReceiver<(Signal, oneshot::Sender<()>)>;

/// Says when a fault fires, and that it did.
#[derive(Debug)]
pub(super) struct FaultPlan {
    /// None in the case without a fault.
    pub(super) fault: Option<Fault>,
    /// The step that meets it.
    pub(super) step: &'static str,
    /// How the saga is made to undo the step, if the fault is one of undoing.
    pub(super) turn: Option<CompensationTrigger>,
    /// Whether the step can be undone, so that the saga may turn round because of it.
    pub(super) is_compensatable: bool,
    /// The stored type of the saga's stream.
    pub(super) stream_type: &'static str,
    cues: mpsc::UnboundedSender<(Signal, oneshot::Sender<()>)>,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    fired: usize,
    healed: bool,
    turned: bool,
}

impl FaultPlan {
    /// No fault, for a saga whose stream has this type. Its cues go to the receiver.
    pub(super) fn new(stream_type: &'static str) -> (Self, Cues) {
        let (cues, heard) = mpsc::unbounded_channel();
        let script = Self {
            fault: None,
            step: "",
            turn: None,
            is_compensatable: false,
            stream_type,
            cues,
            told: Mutex::default(),
        };
        (script, heard)
    }

    /// The fault fires, if it has fired less often than `most` and no person has seen to it.
    pub(super) fn fires(&self, most: usize) -> bool {
        let mut told = self.told.lock();
        let fires = told.fired < most && !told.healed;
        told.fired += usize::from(fires);
        fires
    }

    pub(super) fn has_fired(&self) -> bool {
        self.told.lock().fired > 0
    }

    /// A person has seen to it.
    pub(super) fn heal(&self) {
        self.told.lock().healed = true;
    }

    /// Whether the saga is to be turned round here; once.
    pub(super) fn turns(&self, turn: CompensationTrigger) -> bool {
        let mut told = self.told.lock();
        let turns = self.turn == Some(turn) && !told.turned;
        told.turned |= turns;
        turns
    }

    /// Whether the saga is to be turned round by declining this step; once.
    pub(super) fn turns_by_declining(&self, step: &str) -> bool {
        match self.turn {
            Some(turn @ CompensationTrigger::Declined(at)) if at == step => self.turns(turn),
            _ => false,
        }
    }

    /// Has the case do something, and waits for it.
    pub(super) async fn cue(&self, cue: Signal) {
        let (done, waits) = oneshot::channel();
        if self.cues.send((cue, done)).is_ok() {
            // Who is crashed meanwhile is not answered.
            let _ended = waits.await;
        }
    }

    /// Has the process crash; never goes on.
    pub(super) async fn crash(&self) {
        self.cue(Signal::Crash).await;
        std::future::pending::<()>().await;
    }
}
