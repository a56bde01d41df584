//! Global ids: the type of an object and its id, as opaque text.
//!
//! Plain ids are unique within their type only: a client that creates objects over gRPC chooses them. So a client that
//! caches objects by one id uses this one, which the schema has next to the plain id.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::value::EntityId;

/// The types of objects that a global id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    Category,
    Product,
    Order,
}

impl NodeType {
    const ALL: [Self; 3] = [Self::Category, Self::Product, Self::Order];

    const fn name(self) -> &'static str {
        match self {
            Self::Category => "Category",
            Self::Product => "Product",
            Self::Order => "Order",
        }
    }
}

/// The global id of an object.
#[must_use]
pub fn node_id(of: NodeType, id: &str) -> ID {
    ID(URL_SAFE_NO_PAD.encode(format!("{}:{id}", of.name())))
}

/// The type and the plain id in a global id; `None` if it is not one.
pub fn parse(text: &str) -> Option<(NodeType, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let plain = String::from_utf8(bytes).ok()?;
    let (name, id) = plain.split_once(':')?;
    let of = NodeType::ALL.into_iter().find(|of| of.name() == name)?;
    let valid = EntityId::parse("id", id).ok()?;
    (valid.as_str() == id).then(|| (of, id.to_owned()))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::{NodeType, node_id, parse};

    #[test]
    fn a_global_id_is_the_type_and_the_id() {
        for of in NodeType::ALL {
            let id = node_id(of, "01a228df-e1a6-73e6-a610-b079ee98cee0");
            let parsed = parse(&id).expect("a global id");
            assert_eq!(
                parsed,
                (of, "01a228df-e1a6-73e6-a610-b079ee98cee0".to_owned())
            );
        }
        assert_ne!(
            node_id(NodeType::Product, "1"),
            node_id(NodeType::Order, "1")
        );
    }

    #[test]
    fn other_text_is_not_a_global_id() {
        let encoded = [
            "",
            "Product",
            "Product:",
            "Customer:1",
            "Product: 1",
            "product:1",
            "Product:a\0",
        ];
        for text in encoded.map(|text| URL_SAFE_NO_PAD.encode(text)) {
            assert_eq!(parse(&text), None, "{text}");
        }
        for text in [
            "1",
            "UHJvZHVjdDox=",
            "UHJvZHVjdDoy\n",
            "01a228df-e1a6-73e6-a610-b079ee98cee0",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert!(parse("UHJvZHVjdDox").is_some());
    }
}
