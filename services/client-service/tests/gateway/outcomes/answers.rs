//! Replies to every method of the contract, generated from its descriptors, so that new methods and fields are included.

use std::collections::HashMap;

use anyhow::{Context, Result};
use prost::Message;
use prost::bytes::{BufMut, Bytes, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

use super::{ID, POSITION};

const TIMESTAMP: &str = ".google.protobuf.Timestamp";
/// The maximum nesting of messages in replies.
const MAX_DEPTH: usize = 5;

/// All methods and messages.
#[derive(Debug)]
pub struct Answers {
    /// The reply of each method, by its path.
    methods: HashMap<String, String>,
    messages: HashMap<String, DescriptorProto>,
    /// The `unchanged` field of the commands' replies.
    unchanged: bool,
}

impl Answers {
    pub fn read(unchanged: bool) -> Result<Self> {
        let files = FileDescriptorSet::decode(contract::DESCRIPTORS)?;
        let (mut methods, mut messages) = (HashMap::new(), HashMap::new());
        for file in files.file {
            let package = file.package().to_owned();
            for message in &file.message_type {
                messages.insert(format!(".{package}.{}", message.name()), message.clone());
            }
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{package}.{}/{}", service.name(), method.name());
                    methods.insert(path, method.output_type().to_owned());
                }
            }
        }
        Ok(Self {
            methods,
            messages,
            unchanged,
        })
    }

    /// A reply in which every field has a value, except for `error`.
    pub fn of(&self, path: &str) -> Result<Bytes> {
        let message = self.methods.get(path);
        let message = message.with_context(|| format!("the contract has no {path}"))?;
        Ok(self.message(message, 0))
    }

    fn message(&self, name: &str, depth: usize) -> Bytes {
        let mut out = BytesMut::new();
        if name == TIMESTAMP {
            encode_key(1, WireType::Varint, &mut out);
            encode_varint(1_795_392_000, &mut out);
            return out.freeze();
        }
        let Some(message) = self.messages.get(name) else {
            return out.freeze();
        };
        for field in &message.field {
            self.field(field, depth, &mut out);
        }
        out.freeze()
    }

    fn field(&self, field: &FieldDescriptorProto, depth: usize, out: &mut BytesMut) {
        let tag = u32::try_from(field.number()).expect("a field's number");
        match field.r#type() {
            Type::Message => {
                let is_map = field.label() == Label::Repeated
                    && !self.messages.contains_key(field.type_name());
                if field.name() == "error" || is_map || depth == MAX_DEPTH {
                    return;
                }
                let inner = self.message(field.type_name(), depth + 1);
                put(tag, &inner, out);
            }
            Type::String => put(tag, text(field.name()).as_bytes(), out),
            Type::Bytes => put(tag, b"1\n{}", out),
            Type::Double => {
                encode_key(tag, WireType::SixtyFourBit, out);
                out.put_f64_le(1.0);
            }
            _ => {
                encode_key(tag, WireType::Varint, out);
                encode_varint(self.number(field.name()), out);
            }
        }
    }

    /// The first value of an enum, a number, or true.
    fn number(&self, name: &str) -> u64 {
        match name {
            "unchanged" => self.unchanged.into(),
            "truncated" => 0,
            "head" => POSITION,
            "lease_ms" => 10_000,
            _ => 1,
        }
    }
}

fn put(tag: u32, bytes: &[u8], out: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.put_slice(bytes);
}

/// All ids are equal, so that what is read matches what was written.
fn text(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    let is_amount = ["price", "amount", "subtotal", "decimal", "value"];
    if is_amount.iter().any(|part| name.contains(part)) {
        "19.90"
    } else if name == "seed" {
        "01890000-0000-7000-8000-000000000001"
    } else {
        ID
    }
}
