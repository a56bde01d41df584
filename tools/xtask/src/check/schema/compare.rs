//! Finds the changes of a schema that break its clients.

use std::collections::BTreeMap;

use anyhow::Result;
use async_graphql_parser::types::{BaseType, Type};

use super::elements::{Element, Elements, Entry};

/// What a client of the old schema would miss in the new one, or what the new one requires of it.
pub fn breaking_changes(old: &str, new: &str) -> Result<Vec<String>> {
    let (Elements(old), Elements(new)) = (Elements::parse(old)?, Elements::parse(new)?);
    let has_parent = |parent: &Option<String>, all: &BTreeMap<String, Entry>| {
        parent
            .as_ref()
            .is_none_or(|parent| all.contains_key(parent))
    };
    let mut changes = Vec::new();
    for (name, entry) in &old {
        match new.get(name) {
            Some(now) => changes.extend(
                changed(&entry.element, &now.element).map(|change| format!("{name} {change}")),
            ),
            // The parts of what is removed are not repeated.
            None if has_parent(&entry.parent, &new) => changes.push(format!("{name} is removed")),
            None => {}
        }
    }
    for (name, entry) in &new {
        let is_new = !old.contains_key(name) && has_parent(&entry.parent, &old);
        if is_new && is_required(&entry.element) {
            changes.push(format!("{name} is new and required"));
        }
    }
    Ok(changes)
}

fn changed<'a>(old: &'a Element, new: &'a Element) -> Option<String> {
    match (old, new) {
        (Element::Kind(old), Element::Kind(new)) if old != new => {
            Some(format!("is not of the kind {old} but {new}"))
        }
        (Element::Output(old), Element::Output(new)) if !accepts(old, new) => {
            Some(format!("returns {new} in place of {old}"))
        }
        (Element::Input { ty: old, .. }, Element::Input { ty: new, .. }) if !accepts(new, old) => {
            Some(format!("accepts {new} in place of {old}"))
        }
        (Element::Input { default: old, .. }, Element::Input { default: new, .. })
            if old.is_some() && old != new =>
        {
            let shown = |value: &'a Option<String>| value.as_deref().unwrap_or("nothing");
            let (new, old) = (shown(new), shown(old));
            Some(format!("defaults to {new} in place of {old}"))
        }
        _ => None,
    }
}

/// Whether each value of `narrow` is one of `wide`.
fn accepts(wide: &Type, narrow: &Type) -> bool {
    let same = match (&wide.base, &narrow.base) {
        (BaseType::Named(wide), BaseType::Named(narrow)) => wide == narrow,
        (BaseType::List(wide), BaseType::List(narrow)) => accepts(wide, narrow),
        (BaseType::Named(_), BaseType::List(_)) | (BaseType::List(_), BaseType::Named(_)) => false,
    };
    same && (wide.nullable || !narrow.nullable)
}

fn is_required(element: &Element) -> bool {
    matches!(element, Element::Input { ty, default: None } if !ty.nullable)
}

#[cfg(test)]
mod tests {
    use super::breaking_changes;

    const OLD: &str = r#"
        schema { query: Query mutation: Mutation }
        scalar Decimal
        enum Status { OPEN SHUT }
        input Size { width: Int! height: Int colour: String = "red" }
        interface Node { nodeId: ID! }
        type Box implements Node { nodeId: ID! label: String lid: Lid! tags: [String!]! }
        type Lid { id: ID! }
        union Part = Box | Lid
        type Query { boxes(status: Status, limit: Int = 10): [Box!]! box(id: ID!): Box part: Part price: Decimal }
        type Mutation { make(size: Size!): Box! }
        directive @cost(weight: String) on OBJECT | FIELD_DEFINITION
    "#;

    /// What is replaced in the schema, by what, and the change that is found.
    const BREAKING: &[(&str, &str, &str)] = &[
        ("scalar Decimal", "", "Decimal is removed"),
        (
            "scalar Decimal",
            "enum Decimal { A }",
            "Decimal is not of the kind scalar but enum",
        ),
        ("SHUT", "", "Status.SHUT is removed"),
        ("label: String", "", "Box.label is removed"),
        (
            "label: String",
            "label: Int",
            "Box.label returns Int in place of String",
        ),
        (
            "lid: Lid!",
            "lid: Lid",
            "Box.lid returns Lid in place of Lid!",
        ),
        (
            "[String!]!",
            "[String]!",
            "Box.tags returns [String]! in place of [String!]!",
        ),
        (
            "[String!]!",
            "String!",
            "Box.tags returns String! in place of [String!]!",
        ),
        ("box(id: ID!): Box", "", "Query.box is removed"),
        ("status: Status, ", "", "Query.boxes(status) is removed"),
        (", limit: Int = 10", "", "Query.boxes(limit) is removed"),
        (
            "limit: Int = 10",
            "limit: Int! = 10",
            "Query.boxes(limit) accepts Int! in place of Int",
        ),
        (
            "limit: Int = 10",
            "limit: Int = 20",
            "Query.boxes(limit) defaults to 20 in place of 10",
        ),
        (
            "limit: Int = 10",
            "limit: Int",
            "Query.boxes(limit) defaults to nothing in place of 10",
        ),
        (
            "id: ID!):",
            "id: String!):",
            "Query.box(id) accepts String! in place of ID!",
        ),
        (
            "id: ID!):",
            "id: ID!, key: ID!):",
            "Query.box(key) is new and required",
        ),
        ("height: Int", "", "Size.height is removed"),
        (
            "height: Int",
            "height: Int!",
            "Size.height accepts Int! in place of Int",
        ),
        (
            "height: Int",
            "height: Int depth: Int!",
            "Size.depth is new and required",
        ),
        (
            "Box implements Node",
            "Box",
            "Box implements Node is removed",
        ),
        ("Box | Lid", "Box", "Part = Lid is removed"),
        (
            "mutation: Mutation",
            "",
            "the root Mutation of mutation is removed",
        ),
        ("(weight: String)", "", "@cost(weight) is removed"),
        (
            " | FIELD_DEFINITION",
            "",
            "@cost on FieldDefinition is removed",
        ),
    ];

    fn after(changes: &[(&str, &str)]) -> Vec<String> {
        let mut new = OLD.to_owned();
        for (from, to) in changes {
            assert!(new.contains(from), "{from}");
            new = new.replace(from, to);
        }
        breaking_changes(OLD, &new).unwrap()
    }

    #[test]
    fn a_change_that_breaks_clients_is_rejected_by_name() {
        for (from, to, expected) in BREAKING {
            assert_eq!(after(&[(from, to)]), [*expected]);
        }
    }

    #[test]
    fn a_removed_type_is_one_change_with_each_field_that_returned_it() {
        let changes = [
            ("type Lid { id: ID! }", ""),
            ("lid: Lid!", ""),
            (" | Lid", ""),
        ];
        assert_eq!(
            after(&changes),
            [
                "Box.lid is removed",
                "Lid is removed",
                "Part = Lid is removed"
            ]
        );
    }

    #[test]
    fn additions_pass() {
        for (from, to) in [
            ("SHUT", "SHUT LOST"),
            ("label: String", "label: String! weight: Decimal"),
            ("box(id: ID!): Box", "box(id: ID!): Box!"),
            ("id: ID!):", "id: ID, key: ID):"),
            ("id: ID!):", "id: ID!, kind: Int! = 1):"),
            ("width: Int!", "width: Int"),
            ("height: Int", "height: Int depth: Int"),
            (
                "scalar Decimal",
                "scalar Decimal scalar Time input Span { from: Time! }",
            ),
            ("Box | Lid", "Box | Lid | Query"),
            ("type Lid {", "type Lid implements Node { nodeId: ID!"),
            ("query: Query", "query: Query subscription: Mutation"),
            ("on OBJECT", "on ENUM | OBJECT"),
        ] {
            assert_eq!(after(&[(from, to)]), Vec::<String>::new(), "{to}");
        }
    }

    #[test]
    fn descriptions_and_the_order_of_definitions_do_not_matter() {
        let described = OLD.replace("scalar Decimal", "\"A number.\" scalar Decimal");
        assert!(breaking_changes(OLD, &described).unwrap().is_empty());
        let moved = format!(
            "enum Status {{ SHUT OPEN }} {}",
            OLD.replace("enum Status { OPEN SHUT }", "")
        );
        assert!(breaking_changes(OLD, &moved).unwrap().is_empty());
    }

    #[test]
    fn what_is_not_sdl_is_an_error() {
        assert!(breaking_changes(OLD, "type Query {").is_err());
    }
}
