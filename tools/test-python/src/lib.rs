//! Python for tests: programs in another language, by other people, that ours are held against.
//!
//! The interpreter is the one that `FOREIGN_CLIENT_PYTHON` names, else one that `install` makes in the cache folder,
//! where `.ci/run` has it made beforehand. Without either a test fails and says what to install.

mod environment;
mod script;

pub use environment::python;
pub use script::{Script, run};
