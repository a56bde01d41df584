//! What a document costs, and the limits of it.

use async_graphql::Pos;

use crate::errors::{ApiError, Code};

/// How deep selections may be nested, fragments counted, whatever they select.
pub const MAX_NESTING: usize = 32;
/// The most aliases in a document.
const MAX_ALIASES: u64 = 30;
/// The most directives in a document.
const MAX_DIRECTIVES: u64 = 20;
const MAX_INTROSPECTION_DEPTH: u64 = 20;
/// The most fields and fragments of a document, each counted as often as it is selected: what costs nothing by
/// the formula still costs time.
const MAX_SELECTIONS: u64 = 2_000;
/// The most fields of an operation itself: each may be a call to a service, although a scalar costs nothing.
const MAX_ROOT_FIELDS: u64 = 60;

/// The limits that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub depth: u32,
    /// The most complex query.
    pub complexity: u32,
    /// Whether the schema may be asked for.
    pub introspection: bool,
}

/// The cost of a selection, of everything below it included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    pub depth: u64,
    pub introspection_depth: u64,
    pub complexity: u64,
    pub aliases: u64,
    pub directives: u64,
    pub selections: u64,
    /// Fields on this level.
    pub fields: u64,
}

impl Cost {
    /// Adds something that stands beside it.
    pub fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.complexity = self.complexity.saturating_add(other.complexity);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.selections = self.selections.saturating_add(other.selections);
        self.fields = self.fields.saturating_add(other.fields);
    }

    /// Refuses an operation, which is at `place`, that is over a limit.
    pub fn check(&self, limits: &Limits, place: Pos) -> Result<(), ApiError> {
        let too_deep = [
            ("depth", self.depth, u64::from(limits.depth)),
            (
                "introspection depth",
                self.introspection_depth,
                MAX_INTROSPECTION_DEPTH,
            ),
        ];
        let too_complex = [
            ("complexity", self.complexity, u64::from(limits.complexity)),
            ("number of aliases", self.aliases, MAX_ALIASES),
            ("number of directives", self.directives, MAX_DIRECTIVES),
            ("number of selections", self.selections, MAX_SELECTIONS),
            (
                "number of fields of the operation",
                self.fields,
                MAX_ROOT_FIELDS,
            ),
        ];
        refuse_above(Code::QueryTooDeep, &too_deep, place)?;
        refuse_above(Code::QueryTooComplex, &too_complex, place)
    }
}

fn refuse_above(code: Code, measures: &[(&str, u64, u64)], place: Pos) -> Result<(), ApiError> {
    let above = measures.iter().find(|(_, given, limit)| given > limit);
    above.map_or(Ok(()), |(what, given, limit)| {
        let message = format!("the query's {what} is at most {limit}, got {given}");
        Err(ApiError::at_location(code, message, place))
    })
}
