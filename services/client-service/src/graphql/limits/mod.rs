//! What a request may ask for, checked before anything is executed and before any service is called.
//!
//! What the text may cost is counted by the lexer of [`document`](super::document). [`measure`] looks at the parsed
//! document: each fragment once, however often it is spread, so that the check costs little even when the execution
//! would cost exponentially much. Validation and execution see only what passed.

mod cost;
mod measure;

pub use cost::{Limits, MAX_NESTING};
pub use measure::measure;
