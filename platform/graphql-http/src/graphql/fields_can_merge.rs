//! Fields with one response key can be merged (section 5.3.2 of the specification).
//!
//! The engine compares the names and literal arguments of fields of one object only: not those of their merged selections,
//! not variables, and not the types of fields of different objects, which are values of one key all the same.
//!
//! Conflicts are between two fields, so it is enough to compare pairs: those with one key in a selection set, and those in
//! the sets below such a pair. Each set and each pair of sets is compared once, and the work for all of them is limited.

use std::collections::HashSet;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, Selection, SelectionSet, Type,
};
use async_graphql::{Name, Pos, Positioned};
use async_graphql_value::indexmap::IndexMap;

use super::document::in_order;
use super::schema_index::SchemaIndex;
use crate::errors::{ApiError, Code};

/// The maximum number of fields that are visited or compared.
const MAX_VISITS: usize = 100_000;

/// Rejects a document in which fields with one response key are different fields, or of different types.
///
/// # Errors
/// The error names the key, and how the fields differ.
pub fn validate(document: &ExecutableDocument, index: &SchemaIndex) -> Result<(), ApiError> {
    let mut comparison = Comparison {
        document,
        index,
        compared: HashSet::new(),
        remaining: MAX_VISITS,
    };
    for (_, operation) in in_order(document) {
        let object = Some(SchemaIndex::root(operation.node.ty));
        let set = &operation.node.selection_set.node;
        comparison.within(TypedSet { object, set })?;
    }
    Ok(())
}

/// A selection set, and the type that it selects from. That of the schema's own description is not known here.
#[derive(Clone, Copy)]
struct TypedSet<'a> {
    object: Option<&'a str>,
    set: &'a SelectionSet,
}

#[derive(Clone, Copy)]
struct TypedField<'a> {
    object: Option<&'a str>,
    field: &'a Positioned<Field>,
}

/// The fields of a set by their response key, in document order.
type Fields<'a> = IndexMap<&'a Name, Vec<TypedField<'a>>>;

impl<'a> TypedField<'a> {
    fn name(self) -> &'a str {
        &self.field.node.name.node
    }

    fn is_same_place(self, other: Self) -> bool {
        std::ptr::eq(self.field, other.field) && self.object == other.object
    }

    fn has_equal_arguments(self, other: Self) -> bool {
        let (ours, theirs) = (&self.field.node.arguments, &other.field.node.arguments);
        let has = |(name, value): &(Positioned<Name>, Positioned<_>)| {
            let mut theirs = theirs.iter();
            theirs.any(|(other, of_other)| other.node == name.node && of_other.node == value.node)
        };
        ours.len() == theirs.len() && ours.iter().all(has)
    }
}

struct Comparison<'a> {
    document: &'a ExecutableDocument,
    index: &'a SchemaIndex,
    /// Sets that were compared, by address; a set with itself, or with another one, of the same object or not.
    compared: HashSet<(*const SelectionSet, *const SelectionSet, bool)>,
    remaining: usize,
}

impl<'a> Comparison<'a> {
    /// Compares the fields of a set with each other, and those of the sets below it.
    fn within(&mut self, typed: TypedSet<'a>) -> Result<(), ApiError> {
        let address = std::ptr::from_ref(typed.set);
        if !self.compared.insert((address, address, false)) {
            return Ok(());
        }
        let fields = self.fields(typed)?;
        for same in fields.values() {
            for (number, first) in same.iter().enumerate() {
                for second in &same[number + 1..] {
                    self.pair(*first, *second, false)?;
                }
            }
        }
        for field in fields.into_values().flatten() {
            if let Some(below) = self.below(field) {
                self.within(below)?;
            }
        }
        Ok(())
    }

    /// Compares the fields of two sets; `is_exclusive` if no object has both.
    fn between(
        &mut self,
        (first, second): (TypedSet<'a>, TypedSet<'a>),
        is_exclusive: bool,
    ) -> Result<(), ApiError> {
        let [ours, theirs] = [first, second].map(|it| std::ptr::from_ref(it.set));
        if !self.compared.insert((ours, theirs, is_exclusive)) {
            return Ok(());
        }
        let others = self.fields(second)?;
        for (key, ours) in self.fields(first)? {
            for ours in ours {
                for theirs in others.get(key).into_iter().flatten() {
                    self.pair(ours, *theirs, is_exclusive)?;
                }
            }
        }
        Ok(())
    }

    fn pair(
        &mut self,
        first: TypedField<'a>,
        second: TypedField<'a>,
        is_exclusive: bool,
    ) -> Result<(), ApiError> {
        let (key, place) = (first.field.node.response_key(), second.field.pos);
        self.visit(place)?;
        if first.is_same_place(second) {
            return Ok(());
        }
        let conflict = |difference: String| {
            let message = format!(
                "two fields {} {difference}: give one of them an alias",
                key.node
            );
            Err(ApiError::invalid_document(message, first.field.pos))
        };
        let is_exclusive = is_exclusive || self.is_exclusive(first.object, second.object);
        if !is_exclusive {
            if first.name() != second.name() {
                return conflict(format!("select {} and {}", first.name(), second.name()));
            }
            if !first.has_equal_arguments(second) {
                return conflict("have different arguments".to_owned());
            }
        }
        if let (Some(ours), Some(theirs)) = (self.ty(first), self.ty(second))
            && !self.has_same_shape(ours, theirs)
        {
            return conflict(format!("are of type {ours} and {theirs}"));
        }
        match (self.below(first), self.below(second)) {
            (Some(ours), Some(theirs)) => self.between((ours, theirs), is_exclusive),
            _ => Ok(()),
        }
    }

    fn visit(&mut self, place: Pos) -> Result<(), ApiError> {
        self.remaining = self.remaining.checked_sub(1).ok_or_else(|| {
            let message = "too many fields have the same name or alias";
            ApiError::at_location(Code::QueryTooComplex, message, place)
        })?;
        Ok(())
    }

    /// Whether no object is of both types.
    fn is_exclusive(&self, first: Option<&str>, second: Option<&str>) -> bool {
        let is_object = |it: Option<&str>| it.is_some_and(|it| !self.index.is_abstract(it));
        first != second && is_object(first) && is_object(second)
    }

    /// The type of a field, if it is not one of the schema's own description.
    fn ty(&self, typed: TypedField<'a>) -> Option<&'a Type> {
        self.index.field(typed.object?, typed.name())
    }

    fn has_same_shape(&self, first: &Type, second: &Type) -> bool {
        let same_base = match (&first.base, &second.base) {
            (BaseType::List(first), BaseType::List(second)) => self.has_same_shape(first, second),
            (BaseType::Named(first), BaseType::Named(second)) => {
                let is_object = |name: &Name| self.index.is_composite(name);
                first == second || (is_object(first) && is_object(second))
            }
            _ => false,
        };
        same_base && first.nullable == second.nullable
    }

    fn below(&self, typed: TypedField<'a>) -> Option<TypedSet<'a>> {
        let set = &typed.field.node.selection_set.node;
        let object = self.ty(typed).map(SchemaIndex::named);
        (!set.items.is_empty()).then_some(TypedSet { object, set })
    }

    /// The fields of a set, with fragments expanded, each of them once.
    fn fields(&mut self, typed: TypedSet<'a>) -> Result<Fields<'a>, ApiError> {
        let mut found = Fields::new();
        self.collect(typed, &mut HashSet::new(), &mut found)?;
        Ok(found)
    }

    fn collect(
        &mut self,
        TypedSet { object, set }: TypedSet<'a>,
        seen: &mut HashSet<&'a Name>,
        found: &mut Fields<'a>,
    ) -> Result<(), ApiError> {
        for Positioned { node, pos } in &set.items {
            self.visit(*pos)?;
            let below = match node {
                Selection::Field(field) => {
                    let key = &field.node.response_key().node;
                    let same = found.entry(key).or_default();
                    same.push(TypedField { object, field });
                    continue;
                }
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let object = condition.map_or(object, |on| Some(on.node.on.node.as_str()));
                    let set = &inline.node.selection_set.node;
                    TypedSet { object, set }
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.document.fragments.get(name);
                    let Some(fragment) = fragment.filter(|_| seen.insert(name)) else {
                        continue;
                    };
                    let object = Some(fragment.node.type_condition.node.on.node.as_str());
                    let set = &fragment.node.selection_set.node;
                    TypedSet { object, set }
                }
            };
            self.collect(below, seen, found)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "fields_can_merge_tests.rs"]
mod tests;
