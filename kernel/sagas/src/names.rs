//! The stored names of the events of sagas, for the events themselves and for filters.

/// It started.
pub const STARTED: &str = "SagaStarted";
/// The intent to call a provider.
pub const STEP_STARTED: &str = "SagaStepStarted";
/// A step took effect.
pub const STEP_COMPLETED: &str = "SagaStepCompleted";
/// A try failed.
pub const STEP_FAILED: &str = "SagaStepFailed";
/// An operator or a client asked to cancel it.
pub const CANCEL_REQUESTED: &str = "SagaCancelRequested";
/// It started to compensate.
pub const COMPENSATION_STARTED: &str = "SagaCompensationStarted";
/// The effect of a step is undone.
pub const STEP_COMPENSATED: &str = "SagaStepCompensated";
/// An end: every step took effect.
pub const COMPLETED: &str = "SagaCompleted";
/// An end: every effect is undone.
pub const COMPENSATED: &str = "SagaCompensated";
/// An end: an operator closed it.
pub const FAILED: &str = "SagaFailed";
/// It waits for an operator.
pub const SUSPENDED: &str = "SagaSuspended";
/// It continues.
pub const RESUMED: &str = "SagaResumed";
