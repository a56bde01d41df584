//! An index of the schema's types, for validation.

use std::collections::{HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind,
    TypeSystemDefinition,
};

/// The types of all fields of all object types, of their arguments, and the input types.
#[derive(Debug)]
pub struct SchemaIndex {
    objects: HashMap<String, HashMap<String, Field>>,
    inputs: HashMap<String, Input>,
}

#[derive(Debug)]
struct Field {
    ty: Type,
    arguments: HashMap<String, Type>,
}

/// An input type that is not a scalar.
#[derive(Debug)]
pub enum Input {
    /// An enum with these values.
    Enum(HashSet<String>),
    /// An object with these fields.
    Object(Vec<InputField>),
}

/// A field of an input object.
#[derive(Debug)]
pub struct InputField {
    pub name: String,
    pub ty: Type,
    pub has_default: bool,
}

impl SchemaIndex {
    /// # Errors
    /// The text is not a schema.
    pub fn from_sdl(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut index = Self {
            objects: HashMap::new(),
            inputs: HashMap::new(),
        };
        for definition in parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(field);
                    index.objects.insert(name, fields.collect());
                }
                TypeKind::InputObject(input) => {
                    let fields = input.fields.into_iter().map(input_field).collect();
                    index.inputs.insert(name, Input::Object(fields));
                }
                TypeKind::Enum(kind) => {
                    let values = kind.values.into_iter();
                    let values = values.map(|value| value.node.value.node.to_string());
                    index.inputs.insert(name, Input::Enum(values.collect()));
                }
                TypeKind::Scalar | TypeKind::Interface(_) | TypeKind::Union(_) => {}
            }
        }
        Ok(index)
    }

    /// The type of a field, if there is such a field.
    #[must_use]
    pub fn field(&self, object: &str, field: &str) -> Option<&Type> {
        Some(&self.objects.get(object)?.get(field)?.ty)
    }

    /// The type of a field's argument, if there is such an argument.
    #[must_use]
    pub fn argument(&self, object: &str, field: &str, argument: &str) -> Option<&Type> {
        self.objects
            .get(object)?
            .get(field)?
            .arguments
            .get(argument)
    }

    /// The input type with this name, unless it is a scalar.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<&Input> {
        self.inputs.get(name)
    }

    /// The name of the innermost type of lists.
    #[must_use]
    pub fn named(ty: &Type) -> &str {
        let mut base = &ty.base;
        loop {
            match base {
                BaseType::Named(name) => return name.as_str(),
                BaseType::List(inner) => base = &inner.base,
            }
        }
    }

    /// The root type of operations of this kind.
    #[must_use]
    pub const fn root(operation: OperationType) -> &'static str {
        match operation {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }
}

fn field(field: Positioned<FieldDefinition>) -> (String, Field) {
    let field = field.node;
    let argument = |argument: Positioned<InputValueDefinition>| {
        let argument = argument.node;
        (argument.name.node.to_string(), argument.ty.node)
    };
    let index = Field {
        ty: field.ty.node,
        arguments: field.arguments.into_iter().map(argument).collect(),
    };
    (field.name.node.to_string(), index)
}

fn input_field(field: Positioned<InputValueDefinition>) -> InputField {
    let field = field.node;
    InputField {
        name: field.name.node.to_string(),
        ty: field.ty.node,
        has_default: field.default_value.is_some(),
    }
}
