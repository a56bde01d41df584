//! Sorts the fields of a response into the order of the request.
//!
//! The engine returns them in the order in which they completed. Fields that several fragments select are where the first
//! of the fragments has them, also if that one is on another type of the same interface.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, SelectionSet};
use async_graphql::{Name, Value};

use super::collect_fields::{CollectedField, collect_fields};

/// Sorts all objects of the data.
pub fn arrange(data: &mut Value, document: &ExecutableDocument, operation: &OperationDefinition) {
    arrange_all(&mut [data], document, &[&operation.selection_set.node]);
}

/// Sorts values that have the same selections.
fn arrange_all(values: &mut [&mut Value], document: &ExecutableDocument, sets: &[&SelectionSet]) {
    if sets.iter().all(|set| set.items.is_empty()) {
        return;
    }
    let collected = collect_fields(document, sets);
    let mut objects = Vec::new();
    for value in values {
        flatten(value, &mut objects);
    }
    for object in &mut objects {
        sort(object, &collected);
    }
    for (index, field) in collected.iter().enumerate() {
        let sets = field.sets();
        if sets.iter().any(|set| !set.items.is_empty()) {
            let mut below: Vec<&mut Value> = objects
                .iter_mut()
                .filter_map(|object| value_at(object, index, field.key))
                .collect();
            arrange_all(&mut below, document, &sets);
        }
    }
}

type Object = async_graphql::indexmap::IndexMap<Name, Value>;

fn flatten<'a>(value: &'a mut Value, objects: &mut Vec<&'a mut Object>) {
    match value {
        Value::Object(object) => objects.push(object),
        Value::List(items) => {
            for item in items {
                flatten(item, objects);
            }
        }
        _ => {}
    }
}

fn sort(object: &mut Object, collected: &[CollectedField<'_>]) {
    let in_order = object
        .keys()
        .zip(collected)
        .all(|(key, field)| key == field.key);
    if !in_order {
        let place = |key: &Name| collected.iter().position(|field| field.key == key);
        object.sort_by(|one, _, other, _| place(one).cmp(&place(other)));
    }
}

/// The value of a key, which is at this index unless fields before it were skipped.
fn value_at<'a>(object: &'a mut Object, index: usize, key: &Name) -> Option<&'a mut Value> {
    let index = match object.get_index(index) {
        Some((found, _)) if found == key => index,
        _ => object.get_index_of(key)?,
    };
    object.get_index_mut(index).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use async_graphql::Value;

    use super::super::document::parse;
    use super::arrange;

    #[test]
    fn fields_are_in_the_order_of_the_request() {
        let query = "{ list { b ...f a { y x } c @skip(if: true) } d: e }
            fragment f on T { z a { w } }";
        let given =
            r#"{"d":1,"list":[{"z":2,"a":{"w":3,"x":4,"y":5},"b":6},{"a":null,"b":7,"z":8},null]}"#;
        let document = parse(query).expect("GraphQL").document;
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let mut data: Value = serde_json::from_str(given).expect("JSON");
        arrange(&mut data, &document, &operation.node);
        let text = serde_json::to_string(&data).expect("JSON");
        assert_eq!(
            text,
            r#"{"list":[{"b":6,"z":2,"a":{"w":3,"y":5,"x":4}},{"b":7,"z":8,"a":null},null],"d":1}"#
        );
    }
}
