//! How far the projections are.

use read_model_sql::{Checkpoint, Database};
use tokio::sync::watch;

use super::{Categories, Orders, Products, Sagas};

/// The checkpoints of all projections, as this process knows them.
pub(crate) fn checkpoints(database: &Database) -> [watch::Receiver<Checkpoint>; 4] {
    [
        database.version_of::<Categories>(),
        database.version_of::<Products>(),
        database.version_of::<Orders>(),
        database.version_of::<Sagas>(),
    ]
    .map(|version| database.feed().follow(version))
}
