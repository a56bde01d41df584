//! The metadata of calls: its keys, and typed access to the values.

use std::time::Duration;

use event_sourcing::quoted;
use tonic::Status;
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};
use uuid::Uuid;

/// Request: the command's id, a UUID. The same id never takes effect twice.
pub const COMMAND_ID: &str = "x-command-id";
/// Request: the reply must reflect at least this position of the log.
pub const MIN_POSITION: &str = "x-min-position";
/// Reply: the position of the log that it reflects.
pub const POSITION: &str = "x-position";
/// Request: identifies the request across services and in the metadata of its events.
pub const CORRELATION_ID: &str = "x-correlation-id";
/// Request: the id of the user, percent-encoded.
pub const USER_ID: &str = "x-user-id";
/// Request: W3C trace context.
pub const TRACEPARENT: &str = "traceparent";
/// Request: W3C trace context, the vendor-specific part.
pub const TRACESTATE: &str = "tracestate";
/// Error status: a [`Reason`](crate::status::Reason).
pub const REASON: &str = "x-reason";
/// Error status: an [`Outcome`](crate::status::Outcome), "none", "unknown" or "committed". "committed" is accompanied
/// by [`POSITION`] where it is known.
pub const OUTCOME: &str = "x-outcome";
/// Error status: the id of the log entry with the cause.
pub const ERROR_ID: &str = "x-error-id";
/// Request: gRPC's own deadline.
pub const GRPC_TIMEOUT: &str = "grpc-timeout";

/// Size limit, in bytes, of a value that is stored or logged.
pub const MAX_VALUE_BYTES: usize = 1024;

/// A value as text; `None` if it is absent or not visible ASCII.
#[must_use]
pub fn get<'a>(metadata: &'a MetadataMap, key: &str) -> Option<&'a str> {
    metadata.get(key)?.to_str().ok()
}

/// Sets a value. A value that metadata cannot carry is dropped: our own values are ASCII, and values of others (trace
/// context) must not make a call fail.
pub fn insert(metadata: &mut MetadataMap, key: &'static str, value: &str) {
    if let Ok(value) = value.parse::<MetadataValue<Ascii>>() {
        metadata.insert(key, value);
    }
}

pub fn insert_position(metadata: &mut MetadataMap, key: &'static str, position: u64) {
    metadata.insert(key, MetadataValue::from(position));
}

/// Reads a position, such as [`MIN_POSITION`] or [`POSITION`].
///
/// # Errors
/// `INVALID_ARGUMENT` if it is present and not a decimal number in the range of positions.
pub fn position(metadata: &MetadataMap, key: &str) -> Result<Option<u64>, Status> {
    // The engines' positions are signed.
    let limit = i64::MAX.unsigned_abs();
    typed(metadata, key, "a decimal number up to 2^63 - 1", |text| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|value| digits && *value <= limit)
    })
}

/// Reads [`COMMAND_ID`].
///
/// # Errors
/// `INVALID_ARGUMENT` if it is present and not a UUID.
pub fn command_id(metadata: &MetadataMap) -> Result<Option<Uuid>, Status> {
    typed(metadata, COMMAND_ID, "a UUID", |text| {
        Uuid::parse_str(text).ok().filter(|id| !id.is_nil())
    })
}

/// Reads [`GRPC_TIMEOUT`].
///
/// # Errors
/// `INVALID_ARGUMENT` if it is present and not 1 to 8 digits and a unit.
pub fn timeout(metadata: &MetadataMap) -> Result<Option<Duration>, Status> {
    typed(
        metadata,
        GRPC_TIMEOUT,
        "1 to 8 digits and a unit",
        parse_timeout,
    )
}

/// The text of [`GRPC_TIMEOUT`] as a duration; `None` if it is not 1 to 8 digits and a unit.
#[must_use]
pub fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_hours(value)),
        "M" => Some(Duration::from_mins(value)),
        "S" => Some(Duration::from_secs(value)),
        "m" => Some(Duration::from_millis(value)),
        "u" => Some(Duration::from_micros(value)),
        "n" => Some(Duration::from_nanos(value)),
        _ => None,
    }
}

/// Sets [`USER_ID`]. User ids are arbitrary text but metadata is ASCII, so all bytes except visible ASCII, and `%`, are
/// percent-encoded.
pub fn insert_user_id(metadata: &mut MetadataMap, user_id: &str) {
    insert(metadata, USER_ID, &user_id_value(user_id));
}

/// A value of [`USER_ID`].
#[must_use]
pub fn user_id_value(user_id: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(user_id.len());
    for byte in user_id.bytes() {
        if byte.is_ascii_graphic() && byte != b'%' {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}

/// Reads [`USER_ID`].
///
/// # Errors
/// `INVALID_ARGUMENT` if it is present and not percent-encoded UTF-8.
pub fn user_id(metadata: &MetadataMap) -> Result<Option<String>, Status> {
    typed(metadata, USER_ID, "percent-encoded UTF-8", |text| {
        let mut bytes = text.bytes();
        let mut decoded = Vec::with_capacity(text.len());
        while let Some(byte) = bytes.next() {
            if byte == b'%' {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                decoded.push(u8::try_from(value).ok()?);
            } else {
                decoded.push(byte);
            }
        }
        String::from_utf8(decoded).ok()
    })
}

fn typed<T>(
    metadata: &MetadataMap,
    key: &str,
    expected: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Status> {
    let Some(value) = metadata.get(key) else {
        return Ok(None);
    };
    let parsed = value.to_str().ok().and_then(parse);
    parsed.map(Some).ok_or_else(|| {
        let given = quoted(&String::from_utf8_lossy(value.as_bytes()));
        Status::invalid_argument(format!("{key} must be {expected}, got {given}"))
    })
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn with(key: &'static str, value: &str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        insert(&mut metadata, key, value);
        metadata
    }

    #[test]
    fn positions_are_decimal_and_in_range() {
        let read = |text| position(&with(MIN_POSITION, text), MIN_POSITION);
        assert_eq!(read("42").expect("a position"), Some(42));
        for text in ["", "-1", "+1", "0x1", "1.0", "9223372036854775808", " 1"] {
            assert_eq!(read(text).expect_err(text).code(), Code::InvalidArgument);
        }
        let absent = position(&MetadataMap::new(), MIN_POSITION);
        assert_eq!(absent.expect("an absent value is valid"), None);
        let mut metadata = MetadataMap::new();
        insert_position(&mut metadata, POSITION, 7);
        assert_eq!(position(&metadata, POSITION).expect("a position"), Some(7));
    }

    #[test]
    fn command_ids_are_uuids() {
        let id = Uuid::from_u128(1);
        let given = with(COMMAND_ID, &id.to_string());
        assert_eq!(command_id(&given).expect("an id"), Some(id));
        for text in [
            "",
            "1",
            "not-a-uuid",
            "00000000-0000-0000-0000-000000000000",
        ] {
            let error = command_id(&with(COMMAND_ID, text)).expect_err(text);
            assert_eq!(error.code(), Code::InvalidArgument);
            assert!(error.message().contains(COMMAND_ID));
        }
    }

    #[test]
    fn deadlines_have_all_units() {
        let read = |text| timeout(&with(GRPC_TIMEOUT, text));
        let cases = [
            ("2H", Duration::from_hours(2)),
            ("2M", Duration::from_mins(2)),
            ("2S", Duration::from_secs(2)),
            ("250m", Duration::from_millis(250)),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("1n", Duration::from_nanos(1)),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text).expect(text), Some(expected));
        }
        for text in ["", "S", "1", "1s", "123456789S", "-1S"] {
            assert_eq!(read(text).expect_err(text).code(), Code::InvalidArgument);
        }
    }

    #[test]
    fn user_ids_with_any_text_round_trip() {
        for text in ["ada", "jörg 100%", "名前\u{1F600}", "a\nb"] {
            let mut metadata = MetadataMap::new();
            insert_user_id(&mut metadata, text);
            assert_eq!(user_id(&metadata).expect("text").as_deref(), Some(text));
        }
        for text in ["%", "%4", "%zz", "%FF"] {
            assert!(user_id(&with(USER_ID, text)).is_err(), "{text}");
        }
    }
}
