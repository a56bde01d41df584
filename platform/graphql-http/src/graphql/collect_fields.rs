//! Collects the fields of selections, with fragments expanded.
//!
//! Fragments on all types of an interface are collected, because a response does not say which type its object has. Fields of
//! different types with one response key have values of one shape, as the specification demands of a document.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned};

/// The fields with one response key, in document order.
#[derive(Debug)]
pub struct CollectedField<'a> {
    /// The key in the response.
    pub key: &'a Name,
    /// The fields; more than one if the key is selected repeatedly.
    pub fields: Vec<&'a Field>,
    /// The type of the fragment that selects the first of them, if a fragment does.
    pub on: Option<&'a str>,
}

impl<'a> CollectedField<'a> {
    /// The selections below these fields.
    pub fn sets(&self) -> Vec<&'a SelectionSet> {
        let below = |field: &&'a Field| &field.selection_set.node;
        self.fields.iter().map(below).collect()
    }
}

/// The fields of these selections, grouped by key, in the order of the response.
#[must_use]
pub fn collect_fields<'a>(
    document: &'a ExecutableDocument,
    sets: &[&'a SelectionSet],
) -> Vec<CollectedField<'a>> {
    let mut found = Vec::new();
    for set in sets {
        collect(document, set, None, &mut found);
    }
    found
}

fn collect<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    on: Option<&'a str>,
    found: &mut Vec<CollectedField<'a>>,
) {
    for Positioned { node, .. } in &set.items {
        match node {
            Selection::Field(field) => {
                let field = &field.node;
                let key = &field.response_key().node;
                match found.iter_mut().find(|known| known.key == key) {
                    Some(known) => known.fields.push(field),
                    None => found.push(CollectedField {
                        key,
                        fields: vec![field],
                        on,
                    }),
                }
            }
            Selection::InlineFragment(inline) => {
                let condition = inline.node.type_condition.as_ref();
                let on = condition.map_or(on, |on| Some(on.node.on.node.as_str()));
                collect(document, &inline.node.selection_set.node, on, found);
            }
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    let on = Some(fragment.node.type_condition.node.on.node.as_str());
                    collect(document, &fragment.node.selection_set.node, on, found);
                }
            }
        }
    }
}
