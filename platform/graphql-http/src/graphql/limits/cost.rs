//! The cost of a document, and its limits.

use async_graphql::Pos;

use super::super::field_access::NeededAccess;
use crate::errors::{ApiError, Code};

/// The maximum nesting of selections, including fragments.
pub const MAX_NESTING: usize = 32;
const MAX_ALIASES: u64 = 30;
const MAX_DIRECTIVES: u64 = 20;
const MAX_INTROSPECTION_DEPTH: u64 = 20;
/// The maximum number of nested lists in an introspection, `types` and `args` included: each multiplies the response. The
/// query of usual tools nests `types { fields { args } }`.
const MAX_INTROSPECTION_LISTS: u64 = 3;
/// The maximum number of selections in an introspection, which has no complexity. The query of usual tools has about 250.
const MAX_INTROSPECTION_SELECTIONS: u64 = 500;
/// The maximum number of fields and fragments, each counted as often as it is selected: selections that have no complexity
/// still take time.
const MAX_SELECTIONS: u64 = 2_000;
/// The maximum number of root fields: each may call a service, even a scalar, which has no complexity.
const MAX_ROOT_FIELDS: u64 = 60;

/// The configurable limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub depth: u32,
    /// The maximum number of objects that a response can hold.
    pub complexity: u32,
    /// The maximum number of bytes of a response.
    pub response_bytes: u32,
    /// Whether introspection is allowed.
    pub introspection: bool,
}

/// An argument that sets the size of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct SlicingArgument<'a> {
    pub name: &'a str,
    /// Whether its length is the size, and not its value.
    pub is_list: bool,
}

impl SlicingArgument<'_> {
    /// The argument with this size, as a client would write it.
    fn with(self, size: u64) -> String {
        let Self { name, is_list } = self;
        if is_list {
            format!("{name} of length {size}")
        } else {
            format!("{name}: {size}")
        }
    }
}

/// A list of the query: what it contributes to the complexity, and the argument by which a client can make it smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CountedList<'a> {
    pub field: &'a str,
    pub argument: Option<SlicingArgument<'a>>,
    pub size: u64,
    /// The complexity of one item.
    pub each: u64,
    /// How often the list is in the response: the product of the sizes of the lists above it.
    pub times: u64,
    pub place: Pos,
}

impl CountedList<'_> {
    fn total(&self) -> u64 {
        self.size
            .saturating_mul(self.each)
            .saturating_mul(self.times)
    }

    /// The largest size with which the query passes, if there is one.
    fn passing_size(&self, complexity: u64, limit: u64) -> Option<u64> {
        let others = complexity.saturating_sub(self.total());
        let of_one = self.each.saturating_mul(self.times);
        let size = limit.checked_sub(others)?.checked_div(of_one)?;
        (size > 0).then_some(size)
    }

    /// What it contributes, and what would pass.
    fn advice(&self, complexity: u64, limit: u64) -> String {
        let Self {
            field,
            size,
            each,
            times,
            ..
        } = self;
        let times = match times {
            1 => String::new(),
            times => format!(", {times} times"),
        };
        let passing = self.argument.zip(self.passing_size(complexity, limit));
        let passing = passing.map_or_else(String::new, |(argument, size)| {
            format!("; {} would pass", argument.with(size))
        });
        format!("{field} counts {size} items of {each}{times}{passing}")
    }
}

/// Lists of an introspection that are nested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NestedLists<'a> {
    pub outermost: &'a str,
    pub number: u64,
    pub place: Pos,
}

/// The cost of a selection, including everything below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost<'a> {
    pub depth: u64,
    pub introspection_depth: u64,
    pub introspection_lists: Option<NestedLists<'a>>,
    pub introspection_selections: u64,
    pub complexity: u64,
    pub aliases: u64,
    pub directives: u64,
    pub selections: u64,
    /// Fields on this level.
    pub fields: u64,
    /// The list that contributes most and can be made smaller.
    pub largest: Option<CountedList<'a>>,
    /// The strictest access that a selected field needs.
    pub access: Option<NeededAccess<'a>>,
}

impl Cost<'_> {
    /// Adds the cost of a sibling.
    pub fn add(&mut self, other: Self) {
        self.depth = self.depth.max(other.depth);
        self.introspection_depth = self.introspection_depth.max(other.introspection_depth);
        let number = |lists: &Option<NestedLists<'_>>| lists.map(|lists| lists.number);
        if number(&other.introspection_lists) > number(&self.introspection_lists) {
            self.introspection_lists = other.introspection_lists;
        }
        self.introspection_selections = self
            .introspection_selections
            .saturating_add(other.introspection_selections);
        self.complexity = self.complexity.saturating_add(other.complexity);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.selections = self.selections.saturating_add(other.selections);
        self.fields = self.fields.saturating_add(other.fields);
        let total = |list: &Option<CountedList<'_>>| list.map(|list| list.total());
        if total(&other.largest) > total(&self.largest) {
            self.largest = other.largest;
        }
        self.access = NeededAccess::stricter(self.access, other.access);
    }

    /// The cost of a selection that a condition excludes: nothing is resolved, but it is part of the document.
    pub fn excluded(self) -> Self {
        Self {
            complexity: 0,
            largest: None,
            access: None,
            ..self
        }
    }

    /// Rejects an operation that exceeds a limit; `place` is its location.
    pub fn check(&self, limits: &Limits, place: Pos) -> Result<(), ApiError> {
        self.check_document(limits, place)?;
        self.check_complexity(u64::from(limits.complexity), place)
    }

    /// Checks the limits that do not depend on the values of variables.
    pub fn check_document(&self, limits: &Limits, place: Pos) -> Result<(), ApiError> {
        let too_deep = [
            ("depth", self.depth, u64::from(limits.depth)),
            (
                "introspection depth",
                self.introspection_depth,
                MAX_INTROSPECTION_DEPTH,
            ),
        ];
        let too_complex = [
            ("number of aliases", self.aliases, MAX_ALIASES),
            ("number of directives", self.directives, MAX_DIRECTIVES),
            ("number of selections", self.selections, MAX_SELECTIONS),
            (
                "number of introspection selections",
                self.introspection_selections,
                MAX_INTROSPECTION_SELECTIONS,
            ),
            ("number of root fields", self.fields, MAX_ROOT_FIELDS),
        ];
        reject_above(Code::QueryTooDeep, &too_deep, place)?;
        self.check_introspection_lists()?;
        reject_above(Code::QueryTooComplex, &too_complex, place)
    }

    fn check_introspection_lists(&self) -> Result<(), ApiError> {
        let lists = self.introspection_lists;
        let Some(lists) = lists.filter(|lists| lists.number > MAX_INTROSPECTION_LISTS) else {
            return Ok(());
        };
        let NestedLists {
            outermost,
            number,
            place,
        } = lists;
        let message = format!(
            "an introspection nests at most {MAX_INTROSPECTION_LISTS} lists, got {number} from {outermost}"
        );
        Err(ApiError::at_location(Code::QueryTooDeep, message, place))
    }

    fn check_complexity(&self, limit: u64, place: Pos) -> Result<(), ApiError> {
        let Self {
            complexity,
            largest,
            ..
        } = self;
        if *complexity <= limit {
            return Ok(());
        }
        let advice = largest.map_or_else(String::new, |list| {
            format!(": {}", list.advice(*complexity, limit))
        });
        let message =
            format!("the query's complexity is at most {limit}, got {complexity}{advice}");
        let place = largest.map_or(place, |list| list.place);
        Err(ApiError::at_location(Code::QueryTooComplex, message, place))
    }
}

fn reject_above(code: Code, measures: &[(&str, u64, u64)], place: Pos) -> Result<(), ApiError> {
    let above = measures.iter().find(|(_, given, limit)| given > limit);
    above.map_or(Ok(()), |(what, given, limit)| {
        let message = format!("the query's {what} is at most {limit}, got {given}");
        Err(ApiError::at_location(code, message, place))
    })
}
