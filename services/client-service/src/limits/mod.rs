//! What a request may ask for, checked before anything is executed and before any service is called.
//!
//! What the text may cost is counted by the lexer of [`document`](crate::document). [`measure`] looks at the parsed
//! document: each fragment once, however often it is spread, so that the check costs little even when the execution
//! would cost exponentially much. Validation and execution see only what passed.

mod cost;
mod measure;
mod shape;

pub use cost::Limits;
pub use measure::measure;
pub use shape::{Input, InputField, Shape};

/// How deep selections may be nested, fragments counted, whatever they select.
pub const MAX_NESTING: usize = 32;
