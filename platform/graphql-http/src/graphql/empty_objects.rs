//! Keeps objects without fields.
//!
//! An object of which every field is skipped, or selected on another type, is `{}` by the specification. The engine returns
//! null for it, also where null is not allowed. So where this can happen a field is added that each object has, under a key
//! that no document can select, and it is removed from the response.

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Value};

use super::document::operations_mut;

/// The key of the added field. It is not a name, so that it differs from all that clients choose.
const KEY: &str = "__typename?";

/// Adds the field where an object could have none, and returns whether there is such a place.
pub fn add_field(document: &mut ExecutableDocument) -> bool {
    let mut added = false;
    for fragment in document.fragments.values_mut() {
        below(&mut fragment.node.selection_set.node, &mut added);
    }
    for operation in operations_mut(document) {
        root(operation, &mut added);
    }
    added
}

/// Removes the field from a response.
pub fn remove_field(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.shift_remove(KEY);
            fields.values_mut().for_each(remove_field);
        }
        Value::List(items) => items.iter_mut().for_each(remove_field),
        _ => {}
    }
}

fn root(operation: &mut OperationDefinition, added: &mut bool) {
    let set = &mut operation.selection_set.node;
    // A subscription has one field.
    if operation.ty == OperationType::Subscription {
        below(set, added);
    } else {
        object(set, added);
    }
}

fn object(set: &mut SelectionSet, added: &mut bool) {
    below(set, added);
    let is_leaf = set.items.is_empty();
    let is_always_selected = |item: &Positioned<Selection>| match &item.node {
        Selection::Field(field) => !field.node.directives.iter().any(is_condition),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => false,
    };
    if !is_leaf && !set.items.iter().any(is_always_selected) {
        let field = Selection::Field(at_no_place(typename()));
        set.items.push(at_no_place(field));
        *added = true;
    }
}

/// The objects below a set.
fn below(set: &mut SelectionSet, added: &mut bool) {
    for item in &mut set.items {
        match &mut item.node {
            Selection::Field(field) => object(&mut field.node.selection_set.node, added),
            Selection::InlineFragment(inline) => {
                below(&mut inline.node.selection_set.node, added);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn is_condition(directive: &Positioned<Directive>) -> bool {
    matches!(directive.node.name.node.as_str(), "skip" | "include")
}

fn typename() -> Field {
    Field {
        alias: Some(at_no_place(Name::new(KEY))),
        name: at_no_place(Name::new("__typename")),
        arguments: Vec::new(),
        directives: Vec::new(),
        selection_set: at_no_place(SelectionSet::default()),
    }
}

fn at_no_place<T>(node: T) -> Positioned<T> {
    Positioned::new(node, Pos::default())
}
