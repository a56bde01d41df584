//! Cursors and global ids: each text that is read is the text that is written, a key survives a round trip if a row of the
//! list can have it, and an altered or a foreign cursor is rejected.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_service::testing::{KeyColumns, ListScope, node_id, parse_node_id};
use contract::query::RowKey;
use domain::value::EntityId;
use fuzz_targets::split_choice;
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

const COLUMNS: [KeyColumns; 3] = [
    KeyColumns::Name,
    KeyColumns::Number,
    KeyColumns::NumberAndName,
];

fn scope(connection: &str, columns: KeyColumns) -> ListScope {
    ListScope::try_new(connection, (), columns).expect("JSON")
}

/// A cursor that someone makes who knows how, of any text instead of a key.
fn forged(key: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update([1]);
    hash.update(br#"["products",null]"#);
    hash.update([0]);
    hash.update(key);
    let mut bytes = vec![1];
    bytes.extend(&hash.finalize()[..8]);
    bytes.extend(key);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A cursor that is read is written in the same way, and belongs to its list alone.
fn read(columns: KeyColumns, cursor: &str) -> Option<RowKey> {
    let products = scope("products", columns);
    let key = products.key("after", cursor).ok()?;
    assert_eq!(products.cursor(&key).expect("JSON"), cursor);
    assert!(EntityId::parse("id", &key.id).is_ok());
    assert!(!key.name.as_deref().is_some_and(|name| name.contains('\0')));
    assert!(scope("categories", columns).key("after", cursor).is_err());
    Some(key)
}

fn alter(columns: KeyColumns, cursor: &str, at: usize, bit: usize) {
    let mut altered = cursor.as_bytes().to_vec();
    let at = at % altered.len();
    altered[at] ^= 1 << (bit % 7);
    if let Ok(altered) = String::from_utf8(altered) {
        assert!(scope("products", columns).key("after", &altered).is_err());
    }
}

fn node(text: &str) {
    if let Some((of, id)) = parse_node_id(text) {
        assert_eq!(node_id(of, &id).as_str(), text);
    }
    let encoded = URL_SAFE_NO_PAD.encode(text);
    if let Some((of, id)) = parse_node_id(&encoded) {
        assert_eq!(node_id(of, &id).as_str(), encoded);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = split_choice(data) else {
        return;
    };
    let columns = COLUMNS[choice % COLUMNS.len()];
    let Ok(text) = std::str::from_utf8(rest) else {
        return;
    };
    read(columns, text);
    node(text);
    let cursor = forged(rest);
    if let Some(key) = read(columns, &cursor) {
        alter(columns, &cursor, choice + rest.len(), choice);
        let other = COLUMNS[(choice + 1) % COLUMNS.len()];
        assert_ne!(read(other, &cursor), Some(key));
    }
});
