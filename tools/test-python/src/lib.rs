//! Python for tests: independent programs in another language, to check that the services interoperate with them.
//!
//! The interpreter is the one that `FOREIGN_CLIENT_PYTHON` names, else one that `install` creates in the cache folder,
//! as `.ci/run` does in advance. Without either, a test fails and reports what to install.

mod environment;
mod script;

pub use environment::python;
pub use script::{Script, run};
