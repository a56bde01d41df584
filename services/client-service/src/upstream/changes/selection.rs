//! What a subscription selects, and why its operation is executed.

use std::sync::{Arc, OnceLock};

use contract::query::ChangeKind;

use super::notice::ChangedRow;

/// The changes that a subscription selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    pub kind: ChangeKind,
    /// The ids of the entities, sorted and each once; `None` means all.
    pub ids: Option<Vec<String>>,
    /// Only changes after this position; `None` means from now on.
    pub after: Option<u64>,
}

/// Why the operation of a subscription is executed. It is part of the request's data.
#[derive(Clone, Debug)]
pub enum Trigger {
    /// A client subscribes: the root field records its selection, and there is no response.
    Start(Arc<OnceLock<Selection>>),
    /// There is a change: the root field returns its row, and the response is a message of the subscription.
    Change(ChangedRow),
}
