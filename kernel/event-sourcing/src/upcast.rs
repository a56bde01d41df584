//! Upcasting: old schema versions of events are converted step by step when they are read.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::DecodeError;

/// Converts the data of one schema version to the next.
pub type Upcaster = fn(Value) -> Value;

/// Decodes event data. `steps[0]` upcasts version 1 to 2, and so on: the current version is the number of steps plus 1.
/// Data of the current version are decoded directly.
///
/// # Errors
/// [`DecodeError`] if the version is unknown or the data do not match it.
pub fn read<T: DeserializeOwned>(
    event_type: &str,
    schema_version: u32,
    data: &str,
    steps: &[Upcaster],
) -> Result<T, DecodeError> {
    let bad_data = |source| DecodeError::Data {
        event_type: event_type.to_owned(),
        schema_version,
        source,
    };
    let Some(pending) = usize::try_from(schema_version)
        .ok()
        .and_then(|version| version.checked_sub(1))
        .and_then(|done| steps.get(done..))
    else {
        return Err(DecodeError::UnknownVersion {
            event_type: event_type.to_owned(),
            schema_version,
        });
    };
    if pending.is_empty() {
        return serde_json::from_str(data).map_err(bad_data);
    }
    let old: Value = serde_json::from_str(data).map_err(bad_data)?;
    let lifted = pending.iter().fold(old, |value, step| step(value));
    serde_json::from_value(lifted).map_err(bad_data)
}
