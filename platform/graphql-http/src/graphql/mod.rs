//! GraphQL according to the specification of September 2025: the parts that the engine lacks or implements differently, and
//! the limits of requests.
//!
//! The modules have the names of the specification's algorithms. [`execution`] runs them in order: parse, coerce the
//! variables, measure, validate the values; then the engine executes, and nulls and field order of the response are
//! corrected. Nothing here depends on the contents of the schema.

mod coerce_variables;
mod collect_fields;
mod directives;
mod document;
mod document_cache;
mod empty_objects;
mod execution;
mod field_access;
mod field_order;
mod fields_can_merge;
mod input_coercion;
mod limits;
mod list_size;
mod null_propagation;
mod number_precision;
mod prepared;
mod scalars;
mod schema_index;
mod subscription;
mod trial;
mod validate_values;
mod validate_variables;

/// The schema that tests query.
#[cfg(test)]
const TEST_SDL: &str = include_str!("testing.graphql");

pub use execution::{Engine, Executed, Executor, Extra, Identity, ValidatedDocument, root_of};
pub use field_access::{ForAdmins, ForCustomers, OpenToAnyone};
pub use limits::{Limits, MAX_NESTING};
pub use list_size::{AtMost, ConnectionOf, SizedBy, Weighs};
pub use number_precision::{ReplacedNumbers, preserve};
pub use prepared::{OperationId, Prepared, Query};
pub use scalars::{DateTime, Decimal};
pub use schema_index::SchemaError;
