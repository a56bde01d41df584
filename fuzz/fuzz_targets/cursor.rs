//! Cursors and global ids: each text that is read is the text that is written, a key survives a round trip if a row of the
//! list can have it, and an altered or a foreign cursor is rejected.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client_service::testing::{KeyColumns, ListScope, NodeType, node_id, parse_node_id};
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

/// The cursor of a key is read as that key if a row of the list can have it, and else not at all.
fn round_trip(columns: KeyColumns, parts: (Option<i64>, Option<String>, String)) {
    let (number, name, id) = parts;
    let fits = match columns {
        KeyColumns::Name => number.is_none() && name.is_some(),
        KeyColumns::Number => number.is_some() && name.is_none(),
        KeyColumns::NumberAndName => number.is_some() && name.is_some(),
    };
    let is_text = !name.as_deref().is_some_and(|name| name.contains('\0'));
    let is_key = fits && is_text && EntityId::parse("id", &id).is_ok();
    let key = RowKey { number, name, id };
    let cursor = scope("products", columns).cursor(&key).expect("JSON");
    assert_eq!(read(columns, &cursor), is_key.then_some(key));
}

fn alter(columns: KeyColumns, cursor: &str, at: usize, bit: usize) {
    let mut altered = cursor.as_bytes().to_vec();
    let at = at % altered.len();
    altered[at] ^= 1 << (bit % 7);
    if let Ok(altered) = String::from_utf8(altered) {
        assert!(scope("products", columns).key("after", &altered).is_err());
    }
}

/// A global id that is read is written in the same way, and every id has one.
fn node(text: &str) {
    if EntityId::parse("id", text).is_ok() {
        for of in [NodeType::Category, NodeType::Product, NodeType::Order] {
            let parsed = parse_node_id(node_id(of, text).as_str());
            assert_eq!(parsed, Some((of, text.to_owned())));
        }
    }
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
    if let Ok(parts) = serde_json::from_slice(rest) {
        round_trip(columns, parts);
    }
    let cursor = forged(rest);
    if let Some(key) = read(columns, &cursor) {
        alter(columns, &cursor, choice + rest.len(), choice);
        let other = COLUMNS[(choice + 1) % COLUMNS.len()];
        assert_ne!(read(other, &cursor), Some(key));
    }
});
