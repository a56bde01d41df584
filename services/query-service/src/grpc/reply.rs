//! Parts that all replies share: numbers, times, and the size limit of a reply.

use contract::query;
use platform::runtime::MAX_ENCODED_BYTES;
use prost::Message;

use crate::queries::{Connection, RowKey, SliceSize};

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

/// A part of a list as messages. If they exceed the size of one message, those furthest from where the part was read
/// from are missing, and the list continues there.
pub(super) fn page<R, M: Message>(
    part: &Connection<R>,
    size: SliceSize,
    edge: impl Fn(&R, query::RowKey) -> M,
) -> (Vec<M>, query::PageInfo) {
    let mut page = query::PageInfo {
        has_next_page: part.has_next,
        has_previous_page: part.has_previous,
        total_count: part.total,
    };
    let edges = part.edges.iter();
    let mut edges: Vec<M> = edges.map(|(key, row)| edge(row, row_key(key))).collect();
    match size {
        SliceSize::First(_) => page.has_next_page |= MessageBudget::new().fit(&mut edges),
        SliceSize::Last(_) => {
            edges.reverse();
            page.has_previous_page |= MessageBudget::new().fit(&mut edges);
            edges.reverse();
        }
    }
    (edges, page)
}

fn row_key(key: &RowKey) -> query::RowKey {
    query::RowKey {
        number: key.number,
        name: key.name.clone(),
        id: key.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
    fn a_part_that_exceeds_the_size_limit_is_cut_where_reading_would_continue() {
        let edge = |number: i64| {
            let key = RowKey {
                number: Some(number),
                name: None,
                id: number.to_string(),
            };
            (key, Arc::new(number))
        };
        let part = Connection {
            edges: (0..500).map(edge).collect(),
            has_next: false,
            has_previous: false,
            total: Some(500),
        };
        let message = |number: &i64, _| Product {
            description: Some("x".repeat(10_000)),
            version: *number,
            ..Product::default()
        };
        let versions = |edges: &[Product]| (edges[0].version, edges[edges.len() - 1].version);
        let (edges, page) = super::page(&part, SliceSize::First(500), message);
        let (first, last) = versions(&edges);
        assert!(first == 0 && (400..499).contains(&last));
        assert!(page.has_next_page && !page.has_previous_page);
        let (edges, page) = super::page(&part, SliceSize::Last(500), message);
        let (first, last) = versions(&edges);
        assert!((1..100).contains(&first) && last == 499);
        assert!(!page.has_next_page && page.has_previous_page);
        assert_eq!(page.total_count, Some(500));
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
