//! The limits of a request, checked before anything is executed and before any service is called.
//!
//! The limits of the text are checked by the lexer of [`document`](super::document). [`measure()`] checks the parsed
//! document: it visits each fragment once, however often it is spread, so that the check is cheap even if the execution
//! would be exponential. Validation and execution run only on documents within the limits.

mod cost;
mod measure;

pub use cost::{Limits, MAX_NESTING};
pub use measure::{measure, measure_without_variables};
