//! Cursors: places in a list, as opaque text.
//!
//! ```text
//! base64url( version │ tag: 8 bytes │ key of a row, as JSON )
//! ```
//!
//! The tag is computed from the key and from the list: the connection with its filter and its order. So a cursor that was
//! altered, or that another list returned, is rejected, and not taken for another place. The tag needs no secret: a cursor
//! grants nothing. The filter comes from the arguments of the query, and the key only says where in the rows that the
//! client may list anyway a page begins. A forged cursor is a place like any other.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::query::RowKey;
use domain::value::EntityId;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::argument_errors::ArgumentError;
use graphql_http::ApiError;

/// The format. Another one gets another number, so that old cursors are rejected and not misread.
const VERSION: u8 = 1;
const TAG_BYTES: usize = 8;

/// The values that the keys of an order have before the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyColumns {
    Name,
    Number,
    NumberAndName,
}

/// A list that cursors belong to: a connection with its filter and its order.
#[derive(Clone, Debug)]
pub struct ListScope {
    text: String,
    columns: KeyColumns,
}

impl ListScope {
    /// `arguments` are those that select and order the rows, with their defaults; the order is by `columns`.
    ///
    /// # Errors
    /// They cannot be written as JSON, which is a bug.
    pub fn try_new(
        connection: &str,
        arguments: impl Serialize,
        columns: KeyColumns,
    ) -> Result<Self, ApiError> {
        let text = serde_json::to_string(&(connection, arguments)).map_err(ApiError::internal)?;
        Ok(Self { text, columns })
    }

    /// The cursor of the row with this key.
    ///
    /// # Errors
    /// The key cannot be written as JSON, which is a bug.
    pub fn cursor(&self, key: &RowKey) -> Result<String, ApiError> {
        let parts = (key.number, &key.name, &key.id);
        let key = serde_json::to_vec(&parts).map_err(ApiError::internal)?;
        Ok(self.cursor_of_text(&key))
    }

    fn cursor_of_text(&self, key: &[u8]) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.tag(key));
        bytes.extend(key);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The key of the row with this cursor, which is the argument `field`.
    ///
    /// # Errors
    /// No row of this list has this cursor.
    pub fn key(&self, field: &str, cursor: &str) -> Result<RowKey, ArgumentError> {
        self.read(cursor).ok_or_else(|| {
            let rule =
                "must be a cursor of this connection with the same filter and sortBy, unaltered";
            ArgumentError::new(field, rule)
        })
    }

    fn read(&self, cursor: &str) -> Option<RowKey> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        let (tag, key) = rest.split_at_checked(TAG_BYTES)?;
        if *version != VERSION || tag != self.tag(key) {
            return None;
        }
        let (number, name, id): (_, Option<String>, String) = serde_json::from_slice(key).ok()?;
        let key = RowKey { number, name, id };
        // Without this, a forged cursor would be an error of the read side.
        let is_key = self.is_key(&key);
        // JSON has many texts for one key, and a row has one cursor.
        let is_own = || self.cursor(&key).is_ok_and(|own| own == cursor);
        (is_key && is_own()).then_some(key)
    }

    /// Whether a row of the list could have this key.
    fn is_key(&self, RowKey { number, name, id }: &RowKey) -> bool {
        let has_its_columns = match self.columns {
            KeyColumns::Name => number.is_none() && name.is_some(),
            KeyColumns::Number => number.is_some() && name.is_none(),
            KeyColumns::NumberAndName => number.is_some() && name.is_some(),
        };
        let is_text = !name.as_deref().is_some_and(|name| name.contains('\0'));
        has_its_columns && is_text && EntityId::parse("id", id).is_ok()
    }

    fn tag(&self, key: &[u8]) -> [u8; TAG_BYTES] {
        let mut hash = Sha256::new();
        hash.update([VERSION]);
        hash.update(self.text.as_bytes());
        // JSON text does not contain this byte.
        hash.update([0]);
        hash.update(key);
        let digest: [u8; 32] = hash.finalize().into();
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&digest[..TAG_BYTES]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use contract::query::RowKey;

    use super::{KeyColumns, ListScope};
    use graphql_http::{ApiError, Code};

    fn list(connection: &str, category: Option<&str>, order: KeyColumns) -> ListScope {
        ListScope::try_new(connection, (category, order as u8), order).expect("JSON")
    }

    const ORDERS: [KeyColumns; 3] = [
        KeyColumns::Name,
        KeyColumns::NumberAndName,
        KeyColumns::Number,
    ];

    /// A key of each order.
    fn keys() -> [RowKey; 3] {
        let key = |number, name: Option<&str>, id: &str| RowKey {
            number,
            name: name.map(str::to_owned),
            id: id.to_owned(),
        };
        [
            key(None, Some("Äpfel \"50%\"\u{1F375}"), "1"),
            key(
                Some(1_990),
                Some(""),
                "01a228df-e1a6-73e6-a610-b079ee98cee0",
            ),
            key(Some(i64::MIN), None, "a"),
        ]
    }

    #[test]
    fn a_cursor_is_the_key_that_it_was_made_of() {
        for (order, key) in ORDERS.into_iter().zip(keys()) {
            let list = list("products", Some("c"), order);
            let cursor = list.cursor(&key).expect("text");
            assert_eq!(list.key("after", &cursor), Ok(key));
        }
    }

    #[test]
    fn a_cursor_with_any_other_byte_is_rejected() {
        for (order, key) in ORDERS.into_iter().zip(keys()) {
            let list = list("products", None, order);
            let cursor = list.cursor(&key).expect("text");
            for place in 0..cursor.len() {
                for byte in (0..128_u8).filter(|byte| *byte != cursor.as_bytes()[place]) {
                    let mut altered = cursor.clone().into_bytes();
                    altered[place] = byte;
                    let altered = String::from_utf8(altered).expect("ASCII");
                    let error = ApiError::from(list.key("after", &altered).expect_err("altered"));
                    assert_eq!(error.code, Code::ValidationError);
                    assert_eq!(error.field.as_deref(), Some("after"));
                }
            }
            for end in 0..cursor.len() {
                assert!(list.key("after", &cursor[..end]).is_err());
                assert!(list.key("after", &cursor[end + 1..]).is_err());
            }
            assert!(list.key("after", &format!("{cursor}=")).is_err());
            assert!(list.key("after", &format!("{cursor}A")).is_err());
            assert!(list.key("after", &format!(" {cursor}")).is_err());
        }
    }

    #[test]
    fn a_cursor_of_another_list_is_rejected() {
        let own = list("products", Some("c"), KeyColumns::Name);
        let [key, ..] = keys();
        let cursor = own.cursor(&key).expect("text");
        for other in [
            list("orders", Some("c"), KeyColumns::Name),
            list("products", Some("d"), KeyColumns::Name),
            list("products", None, KeyColumns::Name),
            list("products", Some("c"), KeyColumns::Number),
        ] {
            let error = ApiError::from(other.key("before", &cursor).expect_err("of another list"));
            assert_eq!(error.field.as_deref(), Some("before"));
        }
    }

    #[test]
    fn a_forged_cursor_that_the_read_side_would_not_understand_is_rejected() {
        let rejected = |list: &ListScope, forged: &RowKey| {
            let cursor = list.cursor(forged).expect("text");
            let error = ApiError::from(list.key("before", &cursor).expect_err("forged"));
            assert_eq!(error.code, Code::ValidationError);
            assert_eq!(error.field.as_deref(), Some("before"));
            assert_eq!(error.validation_errors[0].field, "before");
        };
        for (order, key) in ORDERS.into_iter().zip(keys()) {
            let list = list("products", None, order);
            for other in keys().iter().filter(|other| **other != key) {
                rejected(&list, other);
            }
            let neither = RowKey {
                number: None,
                name: None,
                ..key.clone()
            };
            let no_id = RowKey {
                id: "no id!".to_owned(),
                ..key.clone()
            };
            let no_text = RowKey {
                name: Some("a\0b".to_owned()),
                ..key
            };
            for forged in [neither, no_id, no_text] {
                rejected(&list, &forged);
            }
        }
    }

    #[test]
    fn a_forged_cursor_with_another_text_of_a_key_is_rejected() {
        let list = list("products", None, KeyColumns::Name);
        let key = |text: &str| list.key("after", &list.cursor_of_text(text.as_bytes()));
        assert!(key(r#"[null,"a","1"]"#).is_ok());
        for other in [
            r#"[null, "a","1"]"#,
            r#"[null,"\u0061","1"]"#,
            r#"[null,"a","1"] "#,
        ] {
            assert!(key(other).is_err(), "{other}");
        }
    }
}
