//! Spans of sagas and their steps, in the trace of the request that started the saga.

use event_sourcing::trace;
use tracing::Span;

use crate::definition::Saga;
use crate::fields;
use crate::state::Run;

/// The span of what is done for a saga as a whole.
pub(super) fn saga_span<S: Saga>(run: &Run<S>) -> Span {
    trace::continued(&run.origin.trace, || {
        tracing::info_span!(
            target: trace::TARGET,
            "advance saga",
            otel.name = format!("advance {}", S::NAME),
            { fields::SAGA_TYPE } = S::NAME,
            { fields::SAGA_ID } = run.saga_id,
            { fields::SAGA_SUBJECT } = run.subject,
        )
    })
}

/// The span of a step, or of its compensation.
pub(super) fn step_span(saga: &'static str, step: &'static str, undo: bool) -> Span {
    let what = if undo { "undo" } else { "step" };
    tracing::info_span!(
        target: trace::TARGET,
        "saga step",
        otel.name = format!("{what} {step}"),
        { fields::SAGA_TYPE } = saga,
        { fields::SAGA_STEP } = step,
        { fields::SAGA_COMPENSATES } = undo,
    )
}

/// The span of one call to the provider of a step, within the step's.
pub(super) fn provider_span(step: &'static str, operation: &'static str, attempt: u32) -> Span {
    trace::nested(|| {
        tracing::info_span!(
            target: trace::TARGET,
            "provider",
            otel.name = format!("{operation} {step}"),
            otel.kind = "client",
            { fields::SAGA_STEP } = step,
            { fields::ATTEMPT } = attempt,
        )
    })
}
