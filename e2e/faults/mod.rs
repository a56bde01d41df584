//! What happens when processes die.

mod kill;
mod load;
mod second_start;
