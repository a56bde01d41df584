//! The executor: lanes, checked refusals, repeats, and what it makes of a store that fails.

mod faults;
mod lanes;
mod repeats;
mod support;
