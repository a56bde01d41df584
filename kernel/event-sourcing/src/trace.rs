//! Distributed traces: joins what happens to an event to the trace of the request that wrote it.
//!
//! Events carry the W3C trace context of their command ([`Metadata::trace`](crate::Metadata)). The kernel opens a span
//! of `tracing` with the target [`TARGET`] where it works on them, in that trace. A process that exports traces installs
//! a [`Propagator`], which knows how its exporter attaches a span to a remote parent; without one no span is opened.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use tracing::Span;

/// The target of the spans that are exported. They do not appear in log lines.
pub const TARGET: &str = "trace";

/// The name of the event log in spans of its consumers, where the conventions ask for a messaging system.
pub const MESSAGING_SYSTEM: &str = "event_log";

/// How many contexts the span of a batch is linked to at most.
const MAX_LINKS: usize = 128;

/// A W3C trace context: `traceparent`, and `tracestate` where there is one. Empty outside of a trace.
pub type TraceContext = BTreeMap<String, String>;

/// Connects spans with the trace contexts of other processes.
#[derive(Clone, Copy, Debug)]
pub struct Propagator {
    /// Makes a context the parent of a span that was not entered yet. A malformed one is ignored.
    pub set_parent: fn(&Span, &TraceContext),
    /// Links a span to a context.
    pub add_link: fn(&Span, &TraceContext),
    /// The context of a span, for those that it causes.
    pub context: fn(&Span) -> TraceContext,
}

static PROPAGATOR: OnceLock<Propagator> = OnceLock::new();

/// Installs the propagator of this process. Only the first call has an effect.
pub fn install(propagator: Propagator) {
    let _ = PROPAGATOR.set(propagator);
}

/// Whether this process exports traces.
#[must_use]
pub fn is_exported() -> bool {
    PROPAGATOR.get().is_some()
}

/// The context of a span, or `None` if this process does not export traces.
#[must_use]
pub fn context(span: &Span) -> Option<TraceContext> {
    let propagator = PROPAGATOR.get()?;
    Some((propagator.context)(span)).filter(|context| !context.is_empty())
}

/// Opens a span in the trace of `parent`, or at the start of a trace if there is none.
pub fn span(parent: impl FnOnce() -> Option<TraceContext>, open: impl FnOnce() -> Span) -> Span {
    let Some(propagator) = PROPAGATOR.get() else {
        return Span::none();
    };
    let span = open();
    if let Some(parent) = parent() {
        (propagator.set_parent)(&span, &parent);
    }
    span
}

/// Opens a span in the trace of `parent`, and none if that is empty: for work that is of no interest by itself.
pub fn continued(parent: &TraceContext, open: impl FnOnce() -> Span) -> Span {
    let Some(propagator) = PROPAGATOR.get().filter(|_| !parent.is_empty()) else {
        return Span::none();
    };
    let span = open();
    (propagator.set_parent)(&span, parent);
    span
}

/// Opens a span within the current one, and none outside of all.
pub fn nested(open: impl FnOnce() -> Span) -> Span {
    if is_exported() && !Span::current().is_none() {
        open()
    } else {
        Span::none()
    }
}

/// Opens a span for work on behalf of several. If they belong to one trace, the span does too, with the first as its
/// parent; else it starts a trace of its own, linked to theirs. Contexts that are not sampled do not count, and without
/// any other there is no span.
pub fn batch<'t>(
    contexts: impl IntoIterator<Item = &'t TraceContext>,
    open: impl FnOnce() -> Span,
) -> Span {
    let Some(propagator) = PROPAGATOR.get() else {
        return Span::none();
    };
    let mut distinct: Vec<&TraceContext> = Vec::new();
    for context in contexts {
        if distinct.len() < MAX_LINKS && is_sampled(context) && !distinct.contains(&context) {
            distinct.push(context);
        }
    }
    let Some((first, others)) = distinct.split_first() else {
        return Span::none();
    };
    let span = open();
    let is_one_trace = others.iter().all(|other| id(other) == id(first));
    let linked = if is_one_trace {
        (propagator.set_parent)(&span, first);
        others
    } else {
        &distinct[..]
    };
    for context in linked {
        (propagator.add_link)(&span, context);
    }
    span
}

/// Marks a span as failed. Its fields must include `error.type` and `otel.status_code`.
pub fn fail(span: &Span, error: &str) {
    span.record("error.type", error);
    span.record("otel.status_code", "ERROR");
}

/// The fields of `traceparent`: version, trace id, parent id, flags.
fn part(context: &TraceContext, index: usize) -> Option<&str> {
    context.get("traceparent")?.split('-').nth(index)
}

fn id(context: &TraceContext) -> Option<&str> {
    part(context, 1)
}

/// By the last bit of the flags.
fn is_sampled(context: &TraceContext) -> bool {
    let flags = part(context, 3).and_then(|flags| u8::from_str_radix(flags, 16).ok());
    flags.is_some_and(|flags| flags & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parent: &str) -> TraceContext {
        TraceContext::from([("traceparent".to_owned(), parent.to_owned())])
    }

    #[test]
    fn the_last_bit_of_the_flags_is_whether_a_context_is_sampled() {
        let with = |flags: &str| of(&format!("00-{}-00f067aa0ba902b7-{flags}", "4b".repeat(16)));
        assert!(is_sampled(&with("01")) && is_sampled(&with("03")));
        assert!(!is_sampled(&with("00")) && !is_sampled(&with("02")));
        assert!(!is_sampled(&of("nonsense")) && !is_sampled(&TraceContext::new()));
    }

    #[test]
    fn two_spans_of_a_trace_have_one_id() {
        let (one, other) = ("4b".repeat(16), "5c".repeat(16));
        let first = of(&format!("00-{one}-00f067aa0ba902b7-01"));
        assert_eq!(
            id(&first),
            id(&of(&format!("00-{one}-11f067aa0ba902b7-01")))
        );
        assert_ne!(
            id(&first),
            id(&of(&format!("00-{other}-00f067aa0ba902b7-01")))
        );
    }
}
