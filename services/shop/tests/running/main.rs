//! The shop as its keeper runs it: start, seed, stop.

mod life;
mod seed;
mod support;
