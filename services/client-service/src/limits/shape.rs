//! The schema's object types, as the checks need them.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{OperationType, Type, TypeKind, TypeSystemDefinition};

/// The types of all fields of all object types.
#[derive(Debug)]
pub struct Shape {
    objects: HashMap<String, HashMap<String, Type>>,
}

impl Shape {
    /// Reads it from the schema's text.
    ///
    /// # Errors
    /// The text is not a schema.
    pub fn from_sdl(sdl: &str) -> Result<Self, async_graphql::parser::Error> {
        let mut objects = HashMap::new();
        for definition in parse_schema(sdl)?.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let TypeKind::Object(object) = definition.node.kind else {
                continue;
            };
            let fields = object.fields.into_iter().map(|field| {
                let field = field.node;
                (field.name.node.to_string(), field.ty.node)
            });
            objects.insert(definition.node.name.node.to_string(), fields.collect());
        }
        Ok(Self { objects })
    }

    /// The type of a field, if there is such a field.
    #[must_use]
    pub fn field(&self, object: &str, field: &str) -> Option<&Type> {
        self.objects.get(object)?.get(field)
    }

    /// The type that operations of this kind start from.
    #[must_use]
    pub const fn root(operation: OperationType) -> &'static str {
        match operation {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }
}
