//! All settings of all processes, with name, default, accepted values and purpose. One file per section.

mod accepts;
mod authentication;
mod databases;
mod gateway;
mod listeners;
mod lists;
mod providers;
mod read_side;
mod telemetry;
mod tls;
mod upstream;
mod write_side;

pub use authentication::*;
pub use databases::*;
pub use gateway::*;
pub use listeners::*;
pub use lists::*;
pub use providers::*;
pub use read_side::*;
pub use telemetry::*;
pub use tls::*;
pub use upstream::*;
pub use write_side::*;
