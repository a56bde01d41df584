//! The name of a stream as an argument.

use event_sourcing::StreamId;

/// Parses the name of a stream.
///
/// # Errors
/// What is accepted.
pub fn parse_stream(text: &str) -> Result<StreamId, &'static str> {
    match text.split_once('/') {
        Some((kind, id)) if !kind.is_empty() && !id.is_empty() => {
            Ok(StreamId::stored(kind.to_owned(), id))
        }
        _ => Err("accepted: a stream's type and id, such as order/ID"),
    }
}
