//! The id that clients get instead of an internal error's cause; the log has it next to the cause.

use std::fmt;

/// Identifies one internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorId(u64);

impl ErrorId {
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for ErrorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ErrorId;

    #[test]
    fn an_error_id_is_sixteen_hexadecimal_digits() {
        assert_eq!(ErrorId(0xab).to_string(), "00000000000000ab");
    }
}
