//! The stored names of the events of sagas, each once: for the events themselves, and for who selects some of them.

/// It began.
pub const STARTED: &str = "SagaStarted";
/// A call to the outside is about to be made.
pub const STEP_STARTED: &str = "SagaStepStarted";
/// A step took effect.
pub const STEP_COMPLETED: &str = "SagaStepCompleted";
/// A try did not succeed.
pub const STEP_FAILED: &str = "SagaStepFailed";
/// Somebody wants it undone.
pub const CANCEL_REQUESTED: &str = "SagaCancelRequested";
/// It started to compensate.
pub const COMPENSATION_STARTED: &str = "SagaCompensationStarted";
/// What a step did is undone.
pub const STEP_COMPENSATED: &str = "SagaStepCompensated";
/// An end: every step took effect.
pub const COMPLETED: &str = "SagaCompleted";
/// An end: nothing of it is left.
pub const COMPENSATED: &str = "SagaCompensated";
/// An end: an operator closed it.
pub const FAILED: &str = "SagaFailed";
/// It waits for an operator.
pub const SUSPENDED: &str = "SagaSuspended";
/// An operator resumed it.
pub const RESUMED: &str = "SagaResumed";
