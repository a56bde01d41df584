//! Adds the ids of trace and span to log lines.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::log::LogFormat;
use super::traces;
use crate::fields;

/// Formats an event as `F` does, with the ids of the span that it is in, if that is exported.
pub(super) struct WithTraceIds<F> {
    pub(super) inner: F,
    pub(super) format: LogFormat,
}

impl<S, N, F> FormatEvent<S, N> for WithTraceIds<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some((trace, span)) = traces::current_ids() else {
            return self.inner.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.inner
            .format_event(context, Writer::new(&mut line), event)?;
        let (trace_id, span_id) = (fields::TRACE_ID, fields::SPAN_ID);
        match (self.format, line.strip_prefix('{')) {
            (LogFormat::Json, Some(rest)) => writeln!(
                writer,
                r#"{{"{trace_id}":"{trace}","{span_id}":"{span}",{}"#,
                rest.trim_end()
            ),
            _ => writeln!(
                writer,
                "{} {trace_id}={trace} {span_id}={span}",
                line.trim_end()
            ),
        }
    }
}
