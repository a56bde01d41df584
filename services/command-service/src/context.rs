//! The context of a call, from its metadata: user, command id, correlation, trace, and deadline.

use std::time::Duration;

use contract::{TraceContext, metadata};
use domain::value::UserId;
use event_sourcing::trace::TraceContext as Fields;
use event_sourcing::{Clock, CommandId, Context, Metadata};
use tokio::time::Instant;
use tonic::Status;
use tonic::metadata::MetadataMap;

/// The deadline of a call whose caller sets none.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(5);
/// Upper bound of every deadline.
const MAX_DEADLINE: Duration = Duration::from_secs(10);
/// How much earlier than the caller's deadline a call times out, so that the error still reaches the caller: after its
/// deadline the executor still waits briefly for the confirmation that nothing was written.
const MARGIN: Duration = Duration::from_millis(150);

/// In bytes.
const MAX_CORRELATION_ID: usize = 255;

/// Reads a command's context.
///
/// # Errors
/// `INVALID_ARGUMENT` names the value that is malformed.
pub fn read(metadata: &MetadataMap, clock: &dyn Clock) -> Result<Context, Status> {
    let command_id = match metadata::command_id(metadata)? {
        Some(id) => CommandId(id),
        None => new_id(clock),
    };
    let correlation_id = correlation_id(metadata)?;
    let user_id = user(metadata)?.map(|user| user.as_str().to_owned());
    Ok(Context {
        command_id,
        deadline: deadline(metadata)?,
        metadata: Metadata {
            operation: None,
            correlation_id: Some(correlation_id.unwrap_or_else(|| command_id.to_string())),
            causation_id: Some(command_id.to_string()),
            user_id,
            trace: trace(metadata),
        },
        fence: None,
    })
}

/// When a call times out.
///
/// # Errors
/// `INVALID_ARGUMENT` if the caller's own deadline is malformed.
pub fn deadline(metadata: &MetadataMap) -> Result<Instant, Status> {
    let timeout = match metadata::timeout(metadata)? {
        None => DEFAULT_DEADLINE,
        Some(timeout) => timeout
            .min(MAX_DEADLINE)
            .saturating_sub(MARGIN.min(timeout / 10)),
    };
    Ok(Instant::now() + timeout)
}

/// A new unique id. It starts with the time, so that index entries are appended at the right end.
#[must_use]
pub fn new_id(clock: &dyn Clock) -> CommandId {
    CommandId::from_parts(clock.now(), rand::random())
}

fn correlation_id(metadata: &MetadataMap) -> Result<Option<String>, Status> {
    let Some(value) = metadata.get(metadata::CORRELATION_ID) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > MAX_CORRELATION_ID {
        return Err(Status::invalid_argument(format!(
            "{} must be 1 to {MAX_CORRELATION_ID} visible ASCII characters, got {} bytes",
            metadata::CORRELATION_ID,
            value.len(),
        )));
    }
    Ok(Some(text.to_owned()))
}

/// The user on whose behalf the call is made, if the caller sent one.
///
/// # Errors
/// `INVALID_ARGUMENT` if the id is malformed.
pub fn user(metadata: &MetadataMap) -> Result<Option<UserId>, Status> {
    let Some(text) = metadata::user_id(metadata)? else {
        return Ok(None);
    };
    match UserId::parse(metadata::USER_ID, &text) {
        Ok(user) => Ok(Some(user)),
        Err(error) => Err(Status::invalid_argument(error.message)),
    }
}

/// The trace context as it is stored with events.
fn trace(metadata: &MetadataMap) -> Fields {
    let context = TraceContext::of(metadata.as_ref());
    context
        .map(|context| context.to_fields())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use event_sourcing::SystemClock;
    use tonic::Code;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn with(pairs: &[(&'static str, &str)]) -> MetadataMap {
        let mut map = MetadataMap::new();
        for (key, value) in pairs {
            metadata::insert(&mut map, key, value);
        }
        map
    }

    #[test]
    fn empty_metadata_gets_a_new_id_and_the_default_deadline() {
        let context = read(&MetadataMap::new(), &SystemClock).expect("defaults");
        let id = context.command_id.to_string();
        assert_eq!(context.metadata.correlation_id.as_deref(), Some(&*id));
        assert_eq!(context.metadata.causation_id.as_deref(), Some(&*id));
        assert!(context.deadline > Instant::now() + DEFAULT_DEADLINE / 2);
        let other = read(&MetadataMap::new(), &SystemClock).expect("defaults");
        assert_ne!(other.command_id, context.command_id);
    }

    #[test]
    fn a_deadline_is_capped_and_leaves_time_for_the_answer() {
        let deadline = |text| deadline(&with(&[(metadata::GRPC_TIMEOUT, text)])).expect("a time");
        let start = Instant::now();
        assert!(deadline("99H") <= Instant::now() + MAX_DEADLINE);
        assert!(deadline("1S") < Instant::now() + Duration::from_secs(1));
        assert!(deadline("1S") > start + Duration::from_millis(900));
        assert!(deadline("10m") > start + Duration::from_millis(8));
    }

    #[test]
    fn event_metadata_is_taken_from_the_request() {
        let given = with(&[
            (metadata::CORRELATION_ID, "request-7"),
            (metadata::USER_ID, "grace"),
            (metadata::TRACEPARENT, PARENT),
            (metadata::TRACESTATE, "vendor=1"),
        ]);
        let context = read(&given, &SystemClock).expect("a context");
        let stored = context.metadata;
        assert_eq!(stored.correlation_id.as_deref(), Some("request-7"));
        assert_eq!(stored.user_id.as_deref(), Some("grace"));
        assert_eq!(stored.trace[metadata::TRACEPARENT], PARENT);
        assert_eq!(stored.trace[metadata::TRACESTATE], "vendor=1");
        let malformed = with(&[(metadata::TRACEPARENT, "00-1-2-01")]);
        let context = read(&malformed, &SystemClock).expect("a context");
        assert!(context.metadata.trace.is_empty());
    }

    #[test]
    fn an_error_names_the_malformed_key() {
        let long = "x".repeat(MAX_CORRELATION_ID + 1);
        let cases = [
            (metadata::COMMAND_ID, "7"),
            (metadata::CORRELATION_ID, ""),
            (metadata::CORRELATION_ID, &long),
            (metadata::USER_ID, ""),
            (metadata::USER_ID, "%00"),
            (metadata::USER_ID, "%FF"),
            (metadata::GRPC_TIMEOUT, "soon"),
        ];
        for (key, value) in cases {
            let error = read(&with(&[(key, value)]), &SystemClock).expect_err(key);
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(key), "{}", error.message());
        }
    }
}
