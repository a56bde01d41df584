//! Compares a response with the one that a page shows.

use std::collections::HashMap;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use crate::support::{is_time, is_uuid, words};

/// Fields and headers whose whole text is an id.
const OPAQUE: [&str; 7] = [
    "nodeId",
    "cursor",
    "startCursor",
    "endCursor",
    "trackingNumber",
    "errorId",
    "etag",
];
/// Fields and headers that are positions of the log.
const POSITIONS: [&str; 4] = ["position", "readPosition", "after", "x-min-position"];

/// The ids and positions of the page, and those of the running shop in their place.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    ids: HashMap<String, String>,
    /// The ids of the shop: two ids of the page are never the same one.
    shop_ids: HashMap<String, String>,
    positions: HashMap<String, String>,
}

impl Bindings {
    /// Compares a response, and remembers its ids and positions.
    ///
    /// # Errors
    /// It differs in more than ids, times and positions; the message has the place.
    pub fn compare(&mut self, shown: &Value, actual: &Value) -> Result<()> {
        self.compare_at("$", "", shown, actual)
    }

    fn compare_at(&mut self, place: &str, key: &str, shown: &Value, actual: &Value) -> Result<()> {
        match (shown, actual) {
            (Value::Object(shown), Value::Object(actual)) => {
                for (name, value) in shown {
                    let Some(actual) = actual.get(name) else {
                        bail!("{place} has no {name}");
                    };
                    self.compare_at(&format!("{place}.{name}"), name, value, actual)?;
                }
                let added = actual.keys().find(|name| !shown.contains_key(*name));
                ensure!(added.is_none(), "{place} has {added:?} too");
                Ok(())
            }
            (Value::Array(shown), Value::Array(actual)) => {
                let (expected, count) = (shown.len(), actual.len());
                ensure!(
                    expected == count,
                    "{place} has {count} items, {expected} are shown"
                );
                for (index, (shown, actual)) in shown.iter().zip(actual).enumerate() {
                    self.compare_at(&format!("{place}[{index}]"), key, shown, actual)?;
                }
                Ok(())
            }
            (Value::String(shown), Value::String(actual)) => {
                let compared = self.compare_text(key, shown, actual);
                compared.map_err(|error| error.context(place.to_owned()))
            }
            _ => {
                ensure!(shown == actual, "{place} is {actual}, {shown} is shown");
                Ok(())
            }
        }
    }

    /// Compares the text of a field or header of this name.
    ///
    /// # Errors
    /// It differs in more than ids, times and positions.
    pub fn compare_text(&mut self, key: &str, shown: &str, actual: &str) -> Result<()> {
        if POSITIONS.contains(&key) && is_number(shown) && is_number(actual) {
            self.positions.insert(shown.to_owned(), actual.to_owned());
            return Ok(());
        }
        if OPAQUE.contains(&key) {
            return self.bind(shown, actual);
        }
        let (shown_words, actual_words) = (words(shown), words(actual));
        let has_same_form = shown_words.len() == actual_words.len();
        ensure!(has_same_form, "{actual:?}, {shown:?} is shown");
        for (one, other) in shown_words.iter().zip(actual_words) {
            if is_uuid(one) && is_uuid(other) {
                self.bind(one, other)?;
            } else if !(is_time(one) && is_time(other)) {
                ensure!(*one == other, "{actual:?}, {shown:?} is shown");
            }
        }
        Ok(())
    }

    fn bind(&mut self, shown: &str, actual: &str) -> Result<()> {
        let known = self.ids.entry(shown.to_owned());
        let known = known.or_insert_with(|| actual.to_owned());
        ensure!(known == actual, "{actual} is not {shown}, which is {known}");
        let page = self.shop_ids.entry(actual.to_owned());
        let page = page.or_insert_with(|| shown.to_owned());
        ensure!(page == shown, "{actual} is {page}, {shown} is shown");
        Ok(())
    }

    /// A text of the page with the ids of the shop.
    pub fn text_here(&self, text: &str) -> String {
        // The tag of a response has quotes.
        if let Some(id) = self.ids.get(text) {
            return id.clone();
        }
        let here = |word| self.ids.get(word).map_or(word, String::as_str);
        words(text).into_iter().map(here).collect()
    }

    /// A position of the page as one of the shop.
    pub fn position_here(&self, text: &str) -> String {
        let known = self.positions.get(text);
        known.map_or(text, String::as_str).to_owned()
    }

    /// Variables of the page with the ids and positions of the shop.
    pub fn value_here(&self, value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let fields = fields.iter().map(|(name, value)| match value.as_str() {
                    Some(text) if POSITIONS.contains(&name.as_str()) && is_number(text) => {
                        (name.clone(), self.position_here(text).into())
                    }
                    _ => (name.clone(), self.value_here(value)),
                });
                Value::Object(fields.collect())
            }
            Value::Array(items) => items.iter().map(|item| self.value_here(item)).collect(),
            Value::String(text) => self.text_here(text).into(),
            other => other.clone(),
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
