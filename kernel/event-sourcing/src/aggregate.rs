//! Aggregates: states that are folded from events.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::DomainEvent;
use crate::stream::StreamId;

/// The state of a stream, folded from its events. `Default` is the state before the first event.
///
/// ```
/// use chrono::{DateTime, Utc};
/// use event_sourcing::testing::given;
/// use event_sourcing::{Aggregate, DomainEvent};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, DomainEvent)]
/// #[event(name = "Deposited")]
/// struct Deposited {
///     cents: u64,
/// }
///
/// #[derive(Clone, Debug, Default, Serialize, Deserialize)]
/// struct Account {
///     cents: u64,
/// }
///
/// impl Aggregate for Account {
///     const TYPE: &'static str = "account";
///     const SNAPSHOT_VERSION: u32 = 1;
///     type Event = Deposited;
///
///     fn evolve(&mut self, event: &Deposited, _at: DateTime<Utc>) {
///         self.cents += event.cents;
///     }
/// }
///
/// let account = given::<Account>([Deposited { cents: 200 }, Deposited { cents: 300 }]).state();
/// assert_eq!(account.cents, 500);
/// ```
pub trait Aggregate:
    Clone + Debug + Default + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// The stored type name of its streams. Changing it orphans the existing streams.
    const TYPE: &'static str;
    /// The schema version of its snapshots. Raise it when the fields change; older snapshots are then ignored.
    const SNAPSHOT_VERSION: u32;
    /// The events of its streams.
    type Event: DomainEvent;

    /// Applies one event that was recorded at `at`. It cannot fail or reject: a stored event is a fact. It must be
    /// deterministic.
    fn evolve(&mut self, event: &Self::Event, at: DateTime<Utc>);

    /// Whether this state may be stored as a snapshot. Return false for a state that lost information, such as one that
    /// could not interpret an event: a newer binary can then fold the events again.
    #[must_use]
    fn may_be_snapshotted(&self) -> bool {
        true
    }

    /// The stream of the aggregate with this id.
    #[must_use]
    fn stream(id: &str) -> StreamId {
        StreamId::new(Self::TYPE, id)
    }
}
