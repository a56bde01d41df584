//! The cost of a document, and its limits.

use async_graphql::Pos;

use crate::errors::{ApiError, Code};

/// The maximum nesting of selections, including fragments.
pub const MAX_NESTING: usize = 32;
const MAX_ALIASES: u64 = 30;
const MAX_DIRECTIVES: u64 = 20;
const MAX_INTROSPECTION_DEPTH: u64 = 20;
/// The maximum number of fields and fragments, each counted as often as it is selected: selections that have no complexity
/// still take time.
const MAX_SELECTIONS: u64 = 2_000;
/// The maximum number of root fields: each may call a service, even a scalar, which has no complexity.
const MAX_ROOT_FIELDS: u64 = 60;

/// The configurable limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub depth: u32,
    pub complexity: u32,
    /// Whether introspection is allowed.
    pub introspection: bool,
}

/// The cost of a selection, including everything below it.
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
    /// Adds the cost of a sibling.
    pub fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        self.complexity = self.complexity.saturating_add(other.complexity);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.selections = self.selections.saturating_add(other.selections);
        self.fields = self.fields.saturating_add(other.fields);
    }

    /// Rejects an operation that exceeds a limit; `place` is its location.
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
        reject_above(Code::QueryTooDeep, &too_deep, place)?;
        reject_above(Code::QueryTooComplex, &too_complex, place)
    }
}

fn reject_above(code: Code, measures: &[(&str, u64, u64)], place: Pos) -> Result<(), ApiError> {
    let above = measures.iter().find(|(_, given, limit)| given > limit);
    above.map_or(Ok(()), |(what, given, limit)| {
        let message = format!("the query's {what} is at most {limit}, got {given}");
        Err(ApiError::at_location(code, message, place))
    })
}
