//! The sizes of lists, by the directives of the GraphQL Cost Directives specification (IBM, 2022) that measuring a query
//! needs. They are part of the SDL, so that clients and proxies can compute the same complexity.

use async_graphql::parser::types::ConstDirective;
use async_graphql::registry::location_traits::{
    Directive_At_FIELD_DEFINITION, Directive_At_OBJECT,
};
use async_graphql::{Positioned, TypeDirective, Value};

use super::directives::{applied, find};

/// The size of the returned list: the first of the `slicingArguments` that is given, or its length if it is a list, else
/// `assumedSize`. With `sizedFields` it is the size of these lists of the returned object instead: the edges of a connection.
#[TypeDirective(location = "FieldDefinition", name = "listSize")]
pub fn list_size(
    #[graphql(desc = "The size without any of the arguments, and the maximum if there are none.")]
    assumed_size: Option<u32>,
    #[graphql(desc = "The arguments that set the size.")] slicing_arguments: Option<Vec<String>>,
    #[graphql(desc = "The lists of the returned object that have the size.")] sized_fields: Option<
        Vec<String>,
    >,
    #[graphql(desc = "Whether one of the arguments is required.")]
    require_one_slicing_argument: Option<bool>,
) {
}

/// What an object of this type counts, instead of 1.
#[TypeDirective(location = "Object")]
pub fn cost(
    #[graphql(desc = "What an object counts: 0 if it is stored in the row of its parent.")]
    weight: String,
) {
}

applied! {
    /// A list whose size `argument` sets: a number, or a list by its length; `default` items without it.
    SizedBy(argument: &str, default: u32) at Directive_At_FIELD_DEFINITION =>
        list_size(Some(default), Some(vec![argument.to_owned()]), None, Some(false));
    /// A list of at most this many items.
    AtMost(items: u32) at Directive_At_FIELD_DEFINITION => list_size(Some(items), None, None, None);
    /// A connection, whose edges `first` or `last` count; `default` of them without either.
    ConnectionOf(default: u32) at Directive_At_FIELD_DEFINITION => list_size(
        Some(default),
        Some(vec!["first".to_owned(), "last".to_owned()]),
        Some(vec!["edges".to_owned()]),
        Some(false)
    );
    /// What an object of this type counts, instead of 1: 0 if it is stored in the row of its parent.
    Weighs(objects: u32) at Directive_At_OBJECT => cost(objects.to_string());
}

/// The size of a list, as its directive states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSize {
    pub assumed: u64,
    pub arguments: Vec<String>,
    /// The lists of the returned object that have this size. Empty if the field itself is the list.
    pub fields: Vec<String>,
}

impl ListSize {
    /// The size that a field's directives state, if they do.
    pub fn of(directives: &[Positioned<ConstDirective>]) -> Option<Self> {
        let directive = find(directives, "listSize")?;
        let names = |argument| match directive.get_argument(argument).map(|value| &value.node) {
            Some(Value::List(names)) => names.iter().filter_map(text).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let assumed = match &directive.get_argument("assumedSize")?.node {
            Value::Number(number) => number.as_u64()?,
            _ => return None,
        };
        Some(Self {
            assumed,
            arguments: names("slicingArguments"),
            fields: names("sizedFields"),
        })
    }
}

/// What an object counts, as its type's directives state it: 1 if they do not.
pub fn weight(directives: &[Positioned<ConstDirective>]) -> u64 {
    let stated = find(directives, "cost");
    let weight = stated.and_then(|stated| text(&stated.get_argument("weight")?.node)?.parse().ok());
    weight.unwrap_or(1)
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
