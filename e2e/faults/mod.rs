//! Tests with killed processes, broken connections, failing disks and wrong clocks.

mod backup;
mod clocks;
mod crowd;
mod cuts;
mod failing_disk;
mod kill;
mod linked;
mod links;
mod load;
mod one_unit;
mod orders;
mod rebuild;
mod restored;
mod rolling;
mod second_start;
mod subscribers;
mod upgrade;
mod verify;
mod wrong_settings;

pub use kill::{compare, everything_at};
pub use load::{Counts, Load};
