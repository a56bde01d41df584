//! What the texts of the tables cannot spell out.
//!
//! | written | stands for |
//! | --- | --- |
//! | `<101*x>` | 101 times `x` |
//! | `<hex:ff00>` | these bytes |
//! | `<now>`, `<now-31>` | the time in seconds since 1970 |
//! | `<product>` | what the run calls `product`, such as an id |
//!
//! All else is itself, `<script>` too.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use anyhow::Result;

/// What a run names.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeMap<String, Vec<u8>>);

impl Names {
    pub fn with(mut self, name: &str, value: impl Into<Vec<u8>>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The bytes that a text stands for.
    pub fn fill(&self, text: &str) -> Result<Vec<u8>> {
        let mut filled = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = rest.find('<') {
            filled.extend(&rest.as_bytes()[..start]);
            rest = &rest[start..];
            let end = rest.find('>').unwrap_or(0);
            let value = rest
                .get(1..end)
                .map(|inner| self.value(inner))
                .transpose()?;
            let taken = if let Some(value) = value.flatten() {
                filled.extend(value);
                end + 1
            } else {
                filled.push(b'<');
                1
            };
            rest = &rest[taken..];
        }
        filled.extend(rest.as_bytes());
        Ok(filled)
    }

    /// As [`fill`](Self::fill), for what is text.
    pub fn text(&self, text: &str) -> Result<String> {
        Ok(String::from_utf8(self.fill(text)?)?)
    }

    fn value(&self, inner: &str) -> Result<Option<Vec<u8>>> {
        if let Some(named) = self.0.get(inner) {
            return Ok(Some(named.clone()));
        }
        if let Some(digits) = inner.strip_prefix("hex:") {
            let pairs = digits.as_bytes().chunks(2);
            let bytes = pairs.map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
            return bytes.collect::<Result<_>>().map(Some);
        }
        if let Some(offset) = inner.strip_prefix("now") {
            let offset: i64 = if offset.is_empty() {
                0
            } else {
                offset.parse()?
            };
            return Ok(Some((now()? + offset).to_string().into_bytes()));
        }
        let Some((count, part)) = inner.split_once('*') else {
            return Ok(None);
        };
        let count = count.parse::<usize>().ok();
        Ok(count.map(|count| part.repeat(count).into_bytes()))
    }
}

/// The real time, which tokens and signatures have.
pub fn now() -> Result<i64> {
    Ok(i64::try_from(UNIX_EPOCH.elapsed()?.as_secs())?)
}
