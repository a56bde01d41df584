//! GraphQL as its specification of September 2025 has it: what the engine leaves out or does otherwise, and the limits of a request.
//!
//! The modules have the names of the specification's algorithms. [`execution`] takes a request through them: parse, coerce the
//! variables, measure, validate the values; then the engine executes, and the response is put right. Nothing here knows what
//! the schema is about.

mod coerce_variables;
mod collect_fields;
mod document;
mod document_cache;
mod execution;
mod field_order;
mod input_coercion;
mod limits;
mod null_propagation;
mod number_precision;
mod scalars;
mod schema_index;
mod validate_values;

pub use execution::{Engine, Executed, Executor, Identity, Prepared, Query, root_of};
pub use limits::{Limits, MAX_NESTING};
pub use number_precision::{ReplacedNumbers, preserve};
pub use scalars::{DateTime, Decimal};
