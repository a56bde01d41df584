//! JSON objects without two fields of one name, at any depth: parsers differ in which of them counts.

use std::fmt;

use event_sourcing::quoted;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A place in the JSON, for errors. The places around it are on the stack of the parser.
struct Place<'p> {
    within: Option<&'p Place<'p>>,
    segment: Segment<'p>,
}

enum Segment<'p> {
    Field(&'p str),
    Item(usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(within) = self.within {
            within.fmt(f)?;
        }
        match (&self.segment, self.within) {
            (Segment::Item(index), _) => write!(f, "[{index}]"),
            (Segment::Field(name), None) => f.write_str(name),
            (Segment::Field(name), Some(_)) => write!(f, ".{name}"),
        }
    }
}

/// Parses the value at a place; `None` is the whole text.
#[derive(Clone, Copy)]
struct ValueAt<'p>(Option<&'p Place<'p>>);

/// Parses a JSON object.
///
/// # Errors
/// The text is not a JSON object, or an object in it has a field twice: the error names the field, and the place of the
/// object.
pub fn object(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let mut parser = serde_json::Deserializer::from_str(text);
    let object = parser.deserialize_map(ValueAt(None))?;
    parser.end()?;
    match object {
        Value::Object(fields) => Ok(fields),
        other => Err(Error::custom(format!("expected an object, got {other}"))),
    }
}

impl<'de> DeserializeSeed<'de> for ValueAt<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueAt<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let place = Place {
                within: self.0,
                segment: Segment::Item(list.len()),
            };
            match items.next_element_seed(ValueAt(Some(&place)))? {
                Some(item) => list.push(item),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            if fields.contains_key(&name) {
                let place = self.0.map(|place| quoted(&place.to_string()));
                let place = place.map_or_else(String::new, |place| format!(" in {place}"));
                let twice = format!("it has {} more than once{place}", quoted(&name));
                return Err(A::Error::custom(twice));
            }
            let place = Place {
                within: self.0,
                segment: Segment::Field(&name),
            };
            let value = entries.next_value_seed(ValueAt(Some(&place)))?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::object;

    #[test]
    fn every_kind_of_value_is_parsed() {
        let text = r#" {"a": [null, true, -1, 18446744073709551615, 1.5, "x\n", {}], "b": {"a": {"a": []}}} "#;
        let parsed = object(text).expect("an object");
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(Value::Object(parsed), expected);
        for text in ["", "[]", "1", "{} {}", "{\"a\": }"] {
            assert!(object(text).is_err(), "{text}");
        }
        let nested =
            |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(object(&nested(126)).is_ok());
        assert!(object(&nested(127)).is_err());
    }

    #[test]
    fn a_field_that_is_there_twice_is_named_with_its_place() {
        for (text, expected) in [
            (json!({"a": 1}).to_string(), None),
            (
                r#"{"a": 1, "b": 2, "a": 1}"#.to_owned(),
                Some(r#"it has "a" more than once"#),
            ),
            (
                r#"{"v": {"input": {"n": 1, "n": 2}}}"#.to_owned(),
                Some(r#"it has "n" more than once in "v.input""#),
            ),
            (
                r#"{"v": [0, [{"x": {}, "x": {}}]]}"#.to_owned(),
                Some(r#"it has "x" more than once in "v[1][0]""#),
            ),
            (
                r#"{"a\u0062": {}, "ab": {}}"#.to_owned(),
                Some(r#"it has "ab" more than once"#),
            ),
        ] {
            let fault = object(&text).err().map(|error| error.to_string());
            let message = fault
                .as_deref()
                .map(|fault| fault.split(" at line ").next());
            assert_eq!(message.flatten(), expected, "{text}");
        }
    }
}
