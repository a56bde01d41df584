//! What happens when processes die.

mod kill;
mod load;
mod one_unit;
mod orders;
mod second_start;
