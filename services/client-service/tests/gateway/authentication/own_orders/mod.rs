//! A customer sees and changes its own orders only: another one's is as one that does not exist.

mod equal_answers;
mod mixed_run;
mod subscribers;
