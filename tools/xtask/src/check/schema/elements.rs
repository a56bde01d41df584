//! The elements of a schema, each under a name that a reader finds it by: `Query.products`, `Query.products(limit)`,
//! `OrderStatus.PENDING`, `Product implements Node`, `@cost(weight)`.

use std::collections::BTreeMap;
use std::fmt::Display;

use anyhow::{Context, Result};
use async_graphql_parser::Positioned;
use async_graphql_parser::parse_schema;
use async_graphql_parser::types::{
    DirectiveDefinition, FieldDefinition, InputValueDefinition, SchemaDefinition, Type,
    TypeDefinition, TypeKind, TypeSystemDefinition,
};

/// What clients depend on.
#[derive(Debug)]
pub enum Element {
    /// A type or a directive of this kind.
    Kind(&'static str),
    /// A field of an object or interface.
    Output(Type),
    /// An argument or a field of an input.
    Input { ty: Type, default: Option<String> },
    /// Part of a list: a value, a member, an interface, a location.
    Listed,
}

#[derive(Debug)]
pub struct Entry {
    /// The element that it is a part of.
    pub parent: Option<String>,
    pub element: Element,
}

#[derive(Debug, Default)]
pub struct Elements(pub BTreeMap<String, Entry>);

impl Elements {
    /// # Errors
    /// It is not SDL.
    pub fn parse(sdl: &str) -> Result<Self> {
        let document = parse_schema(sdl).context("the schema is not SDL")?;
        let mut all = Self::default();
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Type(definition) => all.add_type(definition.node),
                TypeSystemDefinition::Directive(definition) => all.add_directive(definition.node),
                TypeSystemDefinition::Schema(definition) => all.add_schema(&definition.node),
            }
        }
        Ok(all)
    }

    fn add(&mut self, name: String, parent: Option<&str>, element: Element) {
        let parent = parent.map(str::to_owned);
        self.0.insert(name, Entry { parent, element });
    }

    fn add_schema(&mut self, definition: &SchemaDefinition) {
        let roots = [
            ("query", &definition.query),
            ("mutation", &definition.mutation),
            ("subscription", &definition.subscription),
        ];
        for (operation, root) in roots {
            if let Some(root) = root {
                let name = format!("the root {} of {operation}", root.node);
                self.add(name, None, Element::Listed);
            }
        }
    }

    fn add_type(&mut self, definition: TypeDefinition) {
        let name = definition.name.node.to_string();
        let kind = match definition.kind {
            TypeKind::Scalar => "scalar",
            TypeKind::Object(object) => {
                self.add_fields(&name, object.fields);
                self.add_listed(&name, " implements ", object.implements);
                "type"
            }
            TypeKind::Interface(interface) => {
                self.add_fields(&name, interface.fields);
                self.add_listed(&name, " implements ", interface.implements);
                "interface"
            }
            TypeKind::Union(union) => {
                self.add_listed(&name, " = ", union.members);
                "union"
            }
            TypeKind::Enum(of) => {
                let values = of.values.into_iter().map(|value| value.node.value);
                self.add_listed(&name, ".", values);
                "enum"
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    let named = format!("{name}.{}", field.node.name.node);
                    self.add_input(named, &name, field.node);
                }
                "input"
            }
        };
        self.add(name, None, Element::Kind(kind));
    }

    fn add_directive(&mut self, definition: DirectiveDefinition) {
        let name = format!("@{}", definition.name.node);
        self.add_arguments(&name, definition.arguments);
        for location in definition.locations {
            let named = format!("{name} on {:?}", location.node);
            self.add(named, Some(&name), Element::Listed);
        }
        self.add(name, None, Element::Kind("directive"));
    }

    fn add_fields(&mut self, parent: &str, fields: Vec<Positioned<FieldDefinition>>) {
        for field in fields {
            let field = field.node;
            let name = format!("{parent}.{}", field.name.node);
            self.add_arguments(&name, field.arguments);
            self.add(name, Some(parent), Element::Output(field.ty.node));
        }
    }

    fn add_arguments(&mut self, parent: &str, arguments: Vec<Positioned<InputValueDefinition>>) {
        for argument in arguments {
            let name = format!("{parent}({})", argument.node.name.node);
            self.add_input(name, parent, argument.node);
        }
    }

    fn add_input(&mut self, name: String, parent: &str, input: InputValueDefinition) {
        let element = Element::Input {
            ty: input.ty.node,
            default: input.default_value.map(|value| value.node.to_string()),
        };
        self.add(name, Some(parent), element);
    }

    fn add_listed<N: Display>(
        &mut self,
        parent: &str,
        separator: &str,
        names: impl IntoIterator<Item = Positioned<N>>,
    ) {
        for part in names {
            let name = format!("{parent}{separator}{}", part.node);
            self.add(name, Some(parent), Element::Listed);
        }
    }
}
