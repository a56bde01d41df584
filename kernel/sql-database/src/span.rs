//! Spans of what a database does within the trace of a request.

use event_sourcing::trace;
use tracing::Span;

/// The engines' names in traces.
pub const POSTGRES: &str = "postgresql";
/// See [`POSTGRES`].
pub const SQLITE: &str = "sqlite";

/// The span of a statement, or of a transaction, which has no text. The values of parameters, which may be personal data,
/// are not part of it.
#[must_use]
pub fn statement_span(engine: &'static str, operation: &'static str, text: Option<&str>) -> Span {
    trace::nested(|| {
        tracing::info_span!(
            target: trace::TARGET,
            "sql",
            otel.name = operation,
            otel.kind = "client",
            db.system.name = engine,
            db.query.summary = operation,
            db.query.text = text,
        )
    })
}
