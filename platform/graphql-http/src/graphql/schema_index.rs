//! An index of the schema's types, for validation.

use std::collections::{HashMap, HashSet};

use async_graphql::Positioned;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, OperationType, Type, TypeKind,
    TypeSystemDefinition,
};
use authentication::Access;

use super::field_access::access_of;
use super::list_size::{ListSize, weight};

/// The types of all fields of all object types and interfaces, of their arguments, and the input types.
#[derive(Debug)]
pub struct SchemaIndex {
    objects: HashMap<String, Object>,
    /// The interfaces and unions.
    abstracts: HashSet<String>,
    inputs: HashMap<String, Input>,
}

#[derive(Debug)]
struct Object {
    fields: HashMap<String, Field>,
    weight: u64,
}

/// A field of an object type.
#[derive(Debug)]
pub struct Field {
    pub ty: Type,
    /// Its size, or that of the lists below it, if a directive states it.
    pub size: Option<ListSize>,
    /// Who may select it, if a directive states it.
    pub access: Option<Access>,
    arguments: HashMap<String, Type>,
}

impl Field {
    /// The type of an argument, if there is such an argument.
    #[must_use]
    pub fn argument(&self, name: &str) -> Option<&Type> {
        self.arguments.get(name)
    }
}

/// Why a schema cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("the schema is not SDL: {0}")]
    Syntax(#[from] async_graphql::parser::Error),
    /// Without a size, a query could return any number of objects.
    #[error("the list {0} has no size: give it a listSize directive")]
    UnsizedList(String),
    /// A field that was not thought about must not be open to everyone.
    #[error("the root field {0} has no access: give it an access directive")]
    NoAccess(String),
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
    /// The text is not a schema, a list of objects has no size, or a root field does not state who may select it.
    pub fn from_sdl(sdl: &str) -> Result<Self, SchemaError> {
        let mut index = Self {
            objects: HashMap::new(),
            abstracts: HashSet::new(),
            inputs: HashMap::new(),
        };
        for definition in parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            let weight = weight(&definition.node.directives);
            match definition.node.kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(field).collect();
                    index.objects.insert(name, Object { fields, weight });
                }
                TypeKind::Interface(interface) => {
                    let fields = interface.fields.into_iter().map(field).collect();
                    index.abstracts.insert(name.clone());
                    index.objects.insert(name, Object { fields, weight });
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
                TypeKind::Union(_) => {
                    index.abstracts.insert(name);
                }
                TypeKind::Scalar => {}
            }
        }
        index.require_sizes()?;
        index.require_access()?;
        Ok(index)
    }

    /// Each list of objects must have a size, its own or that of a field that returns its object.
    fn require_sizes(&self) -> Result<(), SchemaError> {
        let all = self.objects.iter().flat_map(|(name, object)| {
            let fields = object.fields.iter();
            fields.map(move |(field, definition)| (name, field, definition))
        });
        let sizes_below = |object: &str, list: &str| {
            let mut fields = all.clone().map(|(_, _, field)| field);
            fields.any(|field| {
                let size = field.size.iter().flat_map(|size| &size.fields);
                Self::named(&field.ty) == object && size.into_iter().any(|sized| sized == list)
            })
        };
        let is_unsized = |(object, name, field): &(&String, &String, &Field)| {
            matches!(field.ty.base, BaseType::List(_))
                && self.objects.contains_key(Self::named(&field.ty))
                && field.size.is_none()
                && !sizes_below(object, name)
        };
        match all.clone().find(is_unsized) {
            Some((object, name, _)) => Err(SchemaError::UnsizedList(format!("{object}.{name}"))),
            None => Ok(()),
        }
    }

    /// Each field of a root type must state who may select it.
    fn require_access(&self) -> Result<(), SchemaError> {
        let kinds = [
            OperationType::Query,
            OperationType::Mutation,
            OperationType::Subscription,
        ];
        for root in kinds.map(Self::root) {
            let fields = self.objects.get(root).into_iter().flat_map(|it| &it.fields);
            for (name, field) in fields {
                if field.access.is_none() {
                    return Err(SchemaError::NoAccess(format!("{root}.{name}")));
                }
            }
        }
        Ok(())
    }

    /// The field, if there is one.
    #[must_use]
    pub fn definition(&self, object: &str, field: &str) -> Option<&Field> {
        self.objects.get(object)?.fields.get(field)
    }

    /// The type of a field, if there is such a field.
    #[must_use]
    pub fn field(&self, object: &str, field: &str) -> Option<&Type> {
        Some(&self.definition(object, field)?.ty)
    }

    /// Whether the type is an interface or a union.
    #[must_use]
    pub fn is_abstract(&self, name: &str) -> bool {
        self.abstracts.contains(name)
    }

    /// Whether the type is an object, an interface or a union.
    #[must_use]
    pub fn is_composite(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.is_abstract(name)
    }

    /// What an object of this type counts.
    #[must_use]
    pub fn weight(&self, object: &str) -> u64 {
        self.objects.get(object).map_or(1, |object| object.weight)
    }

    /// The type of a field's argument, if there is such an argument.
    #[must_use]
    pub fn argument(&self, object: &str, field: &str, argument: &str) -> Option<&Type> {
        self.definition(object, field)?.argument(argument)
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
        size: ListSize::of(&field.directives),
        access: access_of(&field.directives),
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
