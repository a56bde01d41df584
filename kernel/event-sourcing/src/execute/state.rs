//! States of different aggregates in one collection: what the executor must know of each kind.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::envelope::Envelope;
use crate::event::DecodeError;

/// A state whose type only its [`AggregateType`] knows. Shared: a lane hands the same state to many decisions.
pub(super) type AnyState = Arc<dyn Any + Send + Sync>;

/// The operations of one aggregate type, without its type.
pub(super) struct AggregateType {
    pub(super) aggregate_type: &'static str,
    pub(super) snapshot_version: u32,
    pub(super) initial: fn() -> AnyState,
    pub(super) fold: fn(&AnyState, &[Envelope]) -> Result<AnyState, DecodeError>,
    pub(super) read_snapshot: fn(&str) -> Option<AnyState>,
    pub(super) write_snapshot: fn(&AnyState) -> Option<String>,
}

impl fmt::Debug for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.aggregate_type)
    }
}

impl AggregateType {
    pub(super) fn of<A: Aggregate>() -> &'static Self {
        &const {
            Self {
                aggregate_type: A::TYPE,
                snapshot_version: A::SNAPSHOT_VERSION,
                initial: || Arc::new(A::default()),
                fold: fold::<A>,
                read_snapshot: |text| {
                    // A snapshot that does not read is as good as none: the events are still there.
                    serde_json::from_str::<A>(text)
                        .ok()
                        .map(|state| Arc::new(state) as AnyState)
                },
                write_snapshot: |state| {
                    let state = typed::<A>(state);
                    let may_be = state.may_be_snapshotted();
                    may_be
                        .then(|| serde_json::to_string(&*state).ok())
                        .flatten()
                },
            }
        }
    }
}

fn fold<A: Aggregate>(state: &AnyState, events: &[Envelope]) -> Result<AnyState, DecodeError> {
    let mut state = A::clone(&typed::<A>(state));
    for envelope in events {
        state.evolve(&envelope.decode()?, envelope.recorded_at);
    }
    Ok(Arc::new(state))
}

/// The state with its type. Every state is stored under its aggregate's stream, so a state of another type can
/// only come from two aggregates with one stored type name; it reads as the initial state.
pub(super) fn typed<A: Aggregate>(state: &AnyState) -> Arc<A> {
    Arc::clone(state).downcast::<A>().unwrap_or_default()
}
