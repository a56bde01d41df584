//! What happens when processes die and connections break.

mod cuts;
mod kill;
mod load;
mod one_unit;
mod orders;
mod second_start;
