//! Messages of Protocol Buffers as text, in a part of the language Protoscope.
//!
//! | written | stands for |
//! | --- | --- |
//! | `1: 5`, `1: -5` | field 1, a varint |
//! | `1: 1.5`, `1: nan`, `1: inf`, `1: -inf` | field 1, a double |
//! | `1: "text"` | field 1, of a length; what is between the quotes is taken as it is |
//! | `1: { 2: 5 }` | field 1, a message |
//! | `` `0a ff` `` | these bytes |
//!
//! A message that is not written by a library can be wrong in any way.

use anyhow::{Context, Result, bail};

const VARINT: u64 = 0;
const DOUBLE: u64 = 1;
const LENGTH: u64 = 2;

/// The bytes of a message.
pub fn encode(text: &[u8]) -> Result<Vec<u8>> {
    let mut rest = text;
    let message = fields(&mut rest)?;
    if rest.is_empty() {
        return Ok(message);
    }
    bail!("not a field: {:?}", String::from_utf8_lossy(rest))
}

fn fields(rest: &mut &[u8]) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        *rest = rest.trim_ascii_start();
        match rest.first() {
            Some(b'`') => {
                let digits = std::str::from_utf8(until(rest, b'`')?)?;
                for byte in digits.split_ascii_whitespace() {
                    message.push(u8::from_str_radix(byte, 16)?);
                }
            }
            Some(b'0'..=b'9') => {
                let number: u64 = word(rest, |byte| byte != b':').parse()?;
                *rest = rest[1..].trim_ascii_start();
                value(rest, number, &mut message)?;
            }
            _ => return Ok(message),
        }
    }
}

fn value(rest: &mut &[u8], field: u64, message: &mut Vec<u8>) -> Result<()> {
    let mut of_length = |bytes: &[u8]| {
        varint(field << 3 | LENGTH, message);
        varint(bytes.len() as u64, message);
        message.extend(bytes);
    };
    match rest.first() {
        Some(b'"') => of_length(until(rest, b'"')?),
        Some(b'{') => {
            *rest = &rest[1..];
            let inner = fields(rest)?;
            *rest = rest.strip_prefix(b"}").context("no end of a message")?;
            of_length(&inner);
        }
        _ => {
            let number = word(rest, |byte| !byte.is_ascii_whitespace() && byte != b'}');
            if let Ok(whole) = number.parse::<i64>() {
                varint(field << 3 | VARINT, message);
                varint(whole.cast_unsigned(), message);
            } else {
                let double: f64 = number.parse().with_context(|| number.clone())?;
                varint(field << 3 | DOUBLE, message);
                message.extend(double.to_le_bytes());
            }
        }
    }
    Ok(())
}

/// What is between two quotes.
fn until<'a>(rest: &mut &'a [u8], quote: u8) -> Result<&'a [u8]> {
    let after = &rest[1..];
    let end = after.iter().position(|byte| *byte == quote);
    let (inner, next) = after.split_at(end.context("no closing quote")?);
    *rest = &next[1..];
    Ok(inner)
}

fn word(rest: &mut &[u8], belongs: impl Fn(u8) -> bool) -> String {
    let end = rest.iter().position(|byte| !belongs(*byte));
    let (word, next) = rest.split_at(end.unwrap_or(rest.len()));
    *rest = next;
    String::from_utf8_lossy(word).into_owned()
}

fn varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    bytes.push(value.to_le_bytes()[0]);
}

/// The contents of the fields of a length in a message.
pub fn of_length(mut message: &[u8]) -> Result<Vec<&[u8]>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        match take_varint(&mut message)? & 7 {
            VARINT => drop(take_varint(&mut message)?),
            DOUBLE => message = message.get(8..).context("half a double")?,
            LENGTH => {
                let length = usize::try_from(take_varint(&mut message)?)?;
                let parts = message.split_at_checked(length).context("half a field")?;
                found.push(parts.0);
                message = parts.1;
            }
            other => bail!("wire type {other}"),
        }
    }
    Ok(found)
}

fn take_varint(message: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().context("half a number")?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    bail!("a number without an end")
}

#[test]
fn a_message_is_encoded_as_its_specification_says() {
    // The examples of the encoding's documentation.
    assert_eq!(encode(b"1: 150").expect("a field"), [0x08, 0x96, 0x01]);
    assert_eq!(encode(b"2: \"testing\"").expect("text"), b"\x12\x07testing");
    assert_eq!(
        encode(b"3: { 1: 150 }").expect("a message"),
        [0x1a, 3, 8, 0x96, 1]
    );
    let mut all_ones = vec![0x08];
    all_ones.extend([0xff; 9]);
    all_ones.push(1);
    assert_eq!(encode(b"1: -1").expect("a field"), all_ones);
    assert_eq!(encode(b"`0a ff`").expect("bytes"), [0x0a, 0xff]);
    assert_eq!(encode(b"1: 0.5").expect("a double")[0], 0x09);
    assert!(encode(b"1: x").is_err());
}
