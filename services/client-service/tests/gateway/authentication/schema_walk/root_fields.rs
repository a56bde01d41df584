//! The root fields of the schema, each with a document that selects it alone.

use std::collections::HashMap;

use anyhow::{Context, Result, ensure};
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use authentication::Access;

const SDL: &str = include_str!("../../../../../../docs/reference/schema.graphql");

/// What every ID and every text is, the id of the user whose token it is too.
pub const ID: &str = "x";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Query,
    Mutation,
    Subscription,
}

#[derive(Debug)]
pub struct RootField {
    pub operation: Operation,
    pub name: String,
    pub access: Access,
    pub document: String,
}

type Types = HashMap<String, TypeDefinition>;

/// All root fields of the documented schema, which another test compares with the real one.
pub fn root_fields() -> Result<Vec<RootField>> {
    let definitions = parse_schema(SDL)?.definitions.into_iter();
    let types: Types = definitions
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(it) => Some((it.node.name.node.to_string(), it.node)),
            TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
        })
        .collect();
    let mut all = Vec::new();
    for (operation, root) in [
        (Operation::Query, "Query"),
        (Operation::Mutation, "Mutation"),
        (Operation::Subscription, "Subscription"),
    ] {
        let TypeKind::Object(root) = &types.get(root).context(root)?.kind else {
            continue;
        };
        for field in &root.fields {
            all.push(root_field(operation, &field.node, &types)?);
        }
    }
    ensure!(all.len() > 40, "few root fields: {all:?}");
    Ok(all)
}

fn root_field(operation: Operation, field: &FieldDefinition, types: &Types) -> Result<RootField> {
    let name = field.name.node.to_string();
    let mut arguments = Vec::new();
    for argument in &field.arguments {
        let argument = &argument.node;
        // A list of one user's orders is the user's own only with its id.
        if is_required(argument) || base(&argument.ty.node) == "ID" {
            let value = literal(&argument.ty.node, types)?;
            arguments.push(format!("{}: {value}", argument.name.node));
        }
    }
    let arguments = if arguments.is_empty() {
        String::new()
    } else {
        format!("({})", arguments.join(", "))
    };
    let returned = types.get(base(&field.ty.node)).map(|it| &it.kind);
    let selection = match returned {
        Some(TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)) => {
            " { __typename }"
        }
        _ => "",
    };
    let kind = match operation {
        Operation::Query => "query",
        Operation::Mutation => "mutation",
        Operation::Subscription => "subscription",
    };
    Ok(RootField {
        operation,
        access: access_of(field)?,
        document: format!("{kind} {{ {name}{arguments}{selection} }}"),
        name,
    })
}

fn access_of(field: &FieldDefinition) -> Result<Access> {
    let mut directives = field.directives.iter().map(|it| &it.node);
    let access = directives.find(|it| it.name.node == "access");
    let to = access.and_then(|access| access.get_argument("to"));
    let to = to.map(|to| to.node.to_string());
    match to.as_deref() {
        Some("ANYONE") => Ok(Access::Anyone),
        Some("CUSTOMER") => Ok(Access::Customer),
        Some("ADMIN") => Ok(Access::Admin),
        other => anyhow::bail!("{}: @access {other:?}", field.name.node),
    }
}

fn is_required(argument: &InputValueDefinition) -> bool {
    !argument.ty.node.nullable && argument.default_value.is_none()
}

fn base(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(item) => base(item),
    }
}

/// A value of the type, as GraphQL writes it.
fn literal(ty: &Type, types: &Types) -> Result<String> {
    let name = match &ty.base {
        BaseType::List(item) => return Ok(format!("[{}]", literal(item, types)?)),
        BaseType::Named(name) => name.as_str(),
    };
    match name {
        "ID" | "String" => return Ok(format!("\"{ID}\"")),
        "Int" | "Float" | "Decimal" => return Ok("1".to_owned()),
        "Boolean" => return Ok("true".to_owned()),
        _ => {}
    }
    match &types.get(name).context("an unknown type")?.kind {
        TypeKind::InputObject(object) => {
            let mut fields = Vec::new();
            for field in object.fields.iter().map(|field| &field.node) {
                if is_required(field) {
                    let value = literal(&field.ty.node, types)?;
                    fields.push(format!("{}: {value}", field.name.node));
                }
            }
            Ok(format!("{{{}}}", fields.join(", ")))
        }
        TypeKind::Enum(values) => {
            let first = values.values.first().context("an empty enum")?;
            Ok(first.node.value.node.to_string())
        }
        _ => anyhow::bail!("no value of {name} is known"),
    }
}
