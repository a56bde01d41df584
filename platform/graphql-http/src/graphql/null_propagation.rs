//! Propagates the nulls of failed fields (section 6.4.4 of the specification).
//!
//! The engine omits a failed field from its object. By the specification the field is null or, if its type is non-null, its
//! nearest nullable parent is.

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, OperationDefinition, SelectionSet, Type,
};
use async_graphql::{Name, PathSegment, ServerError, Value};

use super::collect_fields::collect_fields;
use super::schema_index::SchemaIndex;

/// Sets the null of each error that has a path.
pub fn propagate(
    data: &mut Value,
    errors: &[ServerError],
    (document, operation): (&ExecutableDocument, &OperationDefinition),
    index: &SchemaIndex,
) {
    let finder = Finder { document, index };
    let root = SchemaIndex::root(operation.ty);
    let set = &operation.selection_set.node;
    let mut places: Vec<&[PathSegment]> = errors
        .iter()
        .filter(|error| !error.path.is_empty())
        .map(|error| &error.path[..finder.nullable_prefix(set, root, &error.path)])
        .collect();
    // The deepest first, so that a null further up replaces everything below it.
    places.sort_by_key(|place| std::cmp::Reverse(place.len()));
    for place in places {
        set_null(data, place);
    }
}

struct Finder<'a> {
    document: &'a ExecutableDocument,
    index: &'a SchemaIndex,
}

impl<'a> Finder<'a> {
    /// The length of the longest prefix of the path that ends at a nullable value.
    fn nullable_prefix(&self, set: &'a SelectionSet, root: &'a str, path: &[PathSegment]) -> usize {
        let mut sets = vec![set];
        let mut object = root;
        let mut ty: Option<&Type> = None;
        let mut nullable = 0;
        for (index, segment) in path.iter().enumerate() {
            let next = match segment {
                PathSegment::Index(_) => match ty.map(|ty| &ty.base) {
                    Some(BaseType::List(inner)) => inner.as_ref(),
                    _ => return nullable,
                },
                PathSegment::Field(key) => {
                    let mut all = collect_fields(self.document, &sets).into_iter();
                    let Some(found) = all.find(|it| it.key.as_str() == key) else {
                        return nullable;
                    };
                    let Some(first) = found.fields.first() else {
                        return nullable;
                    };
                    let parent = found.on.unwrap_or(object);
                    let Some(ty) = self.index.field(parent, first.name.node.as_str()) else {
                        return nullable;
                    };
                    sets = found.sets();
                    ty
                }
            };
            if next.nullable {
                nullable = index + 1;
            }
            if let BaseType::Named(name) = &next.base {
                object = name.as_str();
            }
            ty = Some(next);
        }
        nullable
    }
}

/// Sets null at a path, unless a parent is null.
fn set_null(value: &mut Value, path: &[PathSegment]) {
    let Some((first, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    match (value, first) {
        (Value::Object(object), PathSegment::Field(key)) => {
            set_null(object.entry(Name::new(key)).or_insert(Value::Null), rest);
        }
        (Value::List(list), PathSegment::Index(index)) => {
            if let Some(item) = list.get_mut(*index) {
                set_null(item, rest);
            }
        }
        // The engine returns null for an object of which every field failed.
        (empty @ Value::Null, PathSegment::Field(key)) if rest.is_empty() => {
            let object = [(Name::new(key), Value::Null)].into_iter().collect();
            *empty = Value::Object(object);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{PathSegment, ServerError, Value};
    use serde_json::json;

    use super::super::TEST_SDL;
    use super::super::document::parse;
    use super::super::schema_index::SchemaIndex;
    use super::propagate;

    type Json = serde_json::Value;

    fn placed(query: &str, data: Json, path: &Json) -> Json {
        placed_all(query, data, json!([path]))
    }

    fn placed_all(query: &str, data: Json, paths: Json) -> Json {
        let index = SchemaIndex::from_sdl(TEST_SDL).expect("our own schema");
        let document = parse(query).expect("GraphQL").document;
        let paths: Vec<Vec<PathSegment>> = serde_json::from_value(paths).expect("paths");
        let failed = |path| ServerError::new("failed", None).with_path(path);
        let errors: Vec<_> = paths.into_iter().map(failed).collect();
        let mut data = Value::from_json(data).expect("a value");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        propagate(&mut data, &errors, (&document, &operation.node), &index);
        data.into_json().expect("JSON")
    }

    #[test]
    fn a_failed_nullable_field_is_null_and_its_siblings_stay() {
        let query = "{ a: category(id: 1) { id } b: categoryExists(id: 1) }";
        let data = placed(query, json!({"b": true}), &json!(["a"]));
        assert_eq!(data, json!({"a": null, "b": true}));
        let data = placed("{ a: category(id: 1) { id } }", json!(null), &json!(["a"]));
        assert_eq!(data, json!({"a": null}));
    }

    #[test]
    fn a_failed_non_null_field_makes_its_nearest_nullable_parent_null() {
        let query = "{ category(id: 1) { id ...p } categoryExists(id: 1) }
            fragment p on Category { list: products { id price } }";
        let path = json!(["category", "list", 1, "price"]);
        let given = json!({"category": {"id": "1", "list": [{"id": "2"}]}, "categoryExists": true});
        let data = placed(query, given, &path);
        assert_eq!(data, json!({"category": null, "categoryExists": true}));
    }

    #[test]
    fn a_failed_field_of_a_type_of_an_interface_makes_the_object_null() {
        let query =
            "query($ids: [ID!]!) { nodes(ids: $ids) { ...p ... on Category { name nodeId } } }
            fragment p on Product { price category { name } ... on Node { nodeId } }";
        let given = json!({"nodes": [{"category": null}, {"name": "a"}]});
        let path = json!(["nodes", 0, "price"]);
        let data = placed(query, given.clone(), &path);
        assert_eq!(data, json!({"nodes": [null, {"name": "a"}]}));
        let path = json!(["nodes", 1, "nodeId"]);
        let data = placed(query, given, &path);
        assert_eq!(data, json!({"nodes": [{"category": null}, null]}));
        let given = json!({"nodes": [{"category": {}, "price": 1}]});
        let path = json!(["nodes", 0, "category", "name"]);
        let data = placed(query, given, &path);
        assert_eq!(data, json!({"nodes": [{"category": null, "price": 1}]}));
    }

    #[test]
    fn without_a_nullable_parent_all_data_is_null() {
        let query = "mutation { a: deleteCategory(id: 1) b: deleteCategory(id: 2) }";
        assert_eq!(
            placed(query, json!({"a": true}), &json!(["b"])),
            json!(null)
        );
    }

    #[test]
    fn a_null_further_up_replaces_nulls_below_it() {
        let query = "{ categoryExists(id: 1) category(id: 1) { id } }";
        let paths = json!([["categoryExists"], ["category"]]);
        assert_eq!(placed_all(query, json!(null), paths), json!(null));
    }
}
