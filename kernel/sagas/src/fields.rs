//! The names of log fields: the kernel's, and those of sagas.

pub use event_sourcing::fields::*;

/// A saga's id.
pub const SAGA_ID: &str = "saga.id";
/// The number of a partition.
pub const SAGA_PARTITION: &str = "saga.partition";
/// How many partitions.
pub const SAGA_PARTITIONS: &str = "saga.partitions";
/// Whether a step is undone.
pub const SAGA_COMPENSATES: &str = "saga.compensates";
/// The step that a saga is at.
pub const SAGA_STEP: &str = "saga.step";
/// What a saga is about, such as an order's id.
pub const SAGA_SUBJECT: &str = "saga.subject";
/// The name of a saga's type.
pub const SAGA_TYPE: &str = "saga.type";
