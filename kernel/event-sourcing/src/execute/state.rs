//! Type-erased aggregate states: the operations that the executor needs for each aggregate type.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::envelope::Envelope;
use crate::event::DecodeError;

/// A type-erased state; its [`AggregateType`] has the type. Shared, because many decisions read the same state of a
/// lane.
pub(super) type AnyState = Arc<dyn Any + Send + Sync>;

/// The type-erased operations of one aggregate type.
pub(super) struct AggregateType {
    pub(super) name: &'static str,
    pub(super) snapshot_version: u32,
    pub(super) initial: fn() -> AnyState,
    pub(super) fold: fn(&AnyState, &[Envelope]) -> Result<AnyState, DecodeError>,
    pub(super) read_snapshot: fn(&str) -> Option<AnyState>,
    pub(super) write_snapshot: fn(&AnyState) -> Option<String>,
}

impl fmt::Debug for AggregateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kind({})", self.name)
    }
}

impl AggregateType {
    pub(super) fn of<A: Aggregate>() -> &'static Self {
        &const {
            Self {
                name: A::TYPE,
                snapshot_version: A::SNAPSHOT_VERSION,
                initial: || Arc::new(A::default()),
                fold: fold::<A>,
                read_snapshot: |text| {
                    // An unreadable snapshot counts as none: the state is folded from the events instead.
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

/// The state with its type. Every state is stored under its aggregate's stream, so a state of another type is only
/// possible if two aggregates share one stored type name; it is then read as the initial state.
pub(super) fn typed<A: Aggregate>(state: &AnyState) -> Arc<A> {
    Arc::clone(state).downcast::<A>().unwrap_or_default()
}
