//! PostgreSQL for tests.
//!
//! [`database()`] creates an empty database: on the server that `TEST_POSTGRES_URL` names, else on a private cluster that
//! is created from the installed binaries for the first test of a process. `TEST_POSTGRES_BIN` is a folder with the
//! programs of another version to create clusters from. [`Cluster`] is for tests that stop and
//! restart their own server. [`PgBouncer`] runs a pooler for a cluster.
//!
//! A cluster listens on a unix socket in its own folder and on no port, so clusters never conflict. It is stopped and
//! its folder removed when the process ends, also after a crash: a small shell waits at the other end of a pipe that
//! the operating system closes with the process.
//!
//! Databases sort text by the rules of a language if the server supports it, as most installations do; code that needs
//! byte order must request it.
//!
//! All functions panic on errors, because a test cannot continue without a database.

mod binaries;
mod cluster;
mod database;
mod pgbouncer;
mod random;
mod test_database;

pub use cluster::Cluster;
pub use database::database;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use test_database::TestDatabase;
