//! Parts that all replies share: numbers, times, and the size limit of a reply.

use platform::runtime::MAX_ENCODED_BYTES;
use prost::Message;

pub(super) const MICROS: i64 = 1_000_000;
/// The size limit of a reply's list, which leaves room for the surrounding message.
const MAX_LIST_BYTES: usize = MAX_ENCODED_BYTES - 64 * 1024;
/// Upper bound of the tag and length that precede each message of a list.
const FRAME_BYTES: usize = 8;

/// A count as `int32`, as the contract requires.
pub(super) fn count(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Cents beyond 64 bits as decimal text.
pub(super) fn wide_decimal(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// The remaining bytes of a reply. 500 rows fit unless their texts are extraordinarily long.
pub(super) struct MessageBudget(usize);

impl MessageBudget {
    pub(super) fn new() -> Self {
        Self(MAX_LIST_BYTES)
    }

    /// Truncates the list where the budget ends, and returns whether it did.
    pub(super) fn fit<M: Message>(&mut self, messages: &mut Vec<M>) -> bool {
        let fitting = messages
            .iter()
            .take_while(|message| {
                let rest = self.0.checked_sub(message.encoded_len() + FRAME_BYTES);
                self.0 = rest.unwrap_or(0);
                rest.is_some()
            })
            .count();
        let is_cut = fitting < messages.len();
        messages.truncate(fitting);
        is_cut
    }
}

#[cfg(test)]
mod tests {
    use contract::query::Product;

    use super::*;

    #[test]
    fn a_list_that_exceeds_the_size_limit_is_truncated() {
        let row = |size: usize| Product {
            description: Some("x".repeat(size)),
            ..Product::default()
        };
        let mut small = vec![row(10); 500];
        assert!(!MessageBudget::new().fit(&mut small));
        assert_eq!(small.len(), 500);
        let mut large = vec![row(10_000); 500];
        let mut room = MessageBudget::new();
        assert!(room.fit(&mut large));
        let bytes: usize = large.iter().map(Message::encoded_len).sum();
        assert!(bytes < MAX_ENCODED_BYTES);
        assert!(large.len() > 400);
        assert!(
            room.fit(&mut vec![row(10)]),
            "nothing fits after a truncation"
        );
    }

    #[test]
    fn values_beyond_64_bits_are_formatted_exactly() {
        assert_eq!(
            wide_decimal(i128::from(i64::MAX) * 100 + 5),
            "9223372036854775807.05"
        );
        assert_eq!(wide_decimal(0), "0.00");
    }
}
