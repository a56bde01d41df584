//! Every mutation with every field of its result, generated from the schema.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};

use super::ID;

const SDL: &str = include_str!("../../../../../docs/reference/schema.graphql");

/// The types of the schema.
#[derive(Debug)]
pub struct Schema {
    objects: BTreeMap<String, Vec<FieldDefinition>>,
    inputs: BTreeMap<String, Vec<InputValueDefinition>>,
    /// The first item of each.
    enums: BTreeMap<String, String>,
}

/// A mutation with one field of its result selected.
#[derive(Clone, Debug)]
pub struct Case {
    pub mutation: String,
    /// The mutation with its arguments and the one field.
    pub field: String,
}

impl Case {
    pub fn document(&self) -> String {
        format!("mutation {{ it: {} }}", self.field)
    }
}

impl Schema {
    pub fn read() -> Result<Self> {
        let mut schema = Self {
            objects: BTreeMap::new(),
            inputs: BTreeMap::new(),
            enums: BTreeMap::new(),
        };
        for definition in parse_schema(SDL)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(|field| field.node);
                    schema.objects.insert(name, fields.collect());
                }
                TypeKind::InputObject(input) => {
                    let fields = input.fields.into_iter().map(|field| field.node);
                    schema.inputs.insert(name, fields.collect());
                }
                TypeKind::Enum(kind) => {
                    let first = kind.values.first().context("an enum without items")?;
                    schema.enums.insert(name, first.node.value.node.to_string());
                }
                TypeKind::Scalar | TypeKind::Interface(_) | TypeKind::Union(_) => {}
            }
        }
        Ok(schema)
    }

    /// Every mutation with each field of its result, nested ones too. A type is not entered again below itself.
    pub fn cases(&self) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for mutation in self.fields("Mutation")? {
            let call = self.call(mutation)?;
            let mut paths = Vec::new();
            self.walk(&mutation.ty.node, &mut Vec::new(), &mut paths)?;
            for path in paths {
                cases.push(Case {
                    mutation: mutation.name.node.to_string(),
                    field: format!("{call}{path}"),
                });
            }
        }
        Ok(cases)
    }

    fn fields(&self, object: &str) -> Result<&[FieldDefinition]> {
        let fields = self.objects.get(object);
        fields
            .map(Vec::as_slice)
            .with_context(|| format!("no type {object}"))
    }

    /// All selections of one leaf below a value of this type: `""` for a leaf itself.
    fn walk<'a>(
        &'a self,
        ty: &Type,
        above: &mut Vec<&'a str>,
        paths: &mut Vec<String>,
    ) -> Result<()> {
        let Some((object, fields)) = self.objects.get_key_value(named(ty)) else {
            paths.push(String::new());
            return Ok(());
        };
        if above.contains(&object.as_str()) {
            return Ok(());
        }
        above.push(object);
        for field in fields {
            let mut below = Vec::new();
            self.walk(&field.ty.node, above, &mut below)?;
            let call = self.call(field)?;
            paths.extend(below.into_iter().map(|path| format!(" {{ {call}{path} }}")));
        }
        above.pop();
        Ok(())
    }

    /// A field with a value for each of its arguments.
    fn call(&self, field: &FieldDefinition) -> Result<String> {
        if field.arguments.is_empty() {
            return Ok(field.name.node.to_string());
        }
        let arguments = field
            .arguments
            .iter()
            .map(|argument| self.given(&argument.node));
        let arguments = arguments.collect::<Result<Vec<_>>>()?.join(", ");
        Ok(format!("{}({arguments})", field.name.node))
    }

    fn given(&self, input: &InputValueDefinition) -> Result<String> {
        Ok(format!(
            "{}: {}",
            input.name.node,
            self.value(&input.ty.node)?
        ))
    }

    fn value(&self, ty: &Type) -> Result<String> {
        if let BaseType::List(inner) = &ty.base {
            return Ok(format!("[{}]", self.value(inner)?));
        }
        let name = named(ty);
        if let Some(fields) = self.inputs.get(name) {
            let fields = fields.iter().map(|field| self.given(field));
            return Ok(format!(
                "{{{}}}",
                fields.collect::<Result<Vec<_>>>()?.join(", ")
            ));
        }
        if let Some(first) = self.enums.get(name) {
            return Ok(first.clone());
        }
        Ok(match name {
            "ID" | "String" => format!("{ID:?}"),
            "Int" | "Decimal" | "Float" => "1".to_owned(),
            "Boolean" => "true".to_owned(),
            other => bail!("no value of the type {other}"),
        })
    }
}

fn named(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}
