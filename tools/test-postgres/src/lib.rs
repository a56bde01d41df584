//! PostgreSQL for tests.
//!
//! [`database`] gives a fresh, empty database: on the server that `TEST_POSTGRES_URL` names, else on a private
//! cluster that is made from the installed binaries when the first test of a process asks for it. [`Cluster`] is for
//! tests that stop and restart a server of their own. [`PgBouncer`] stands in front of a cluster.
//!
//! A cluster listens on a unix socket in its own folder and on no port, so clusters never meet. It is stopped and its
//! folder removed when the process ends, however it ends: a small shell waits at the other end of a pipe that the
//! operating system closes with the process.
//!
//! Databases sort text by the rules of a language where the server can do so, because that is what people have; code
//! that needs the order of bytes has to say so.
//!
//! Everything here panics when it cannot do its work, for a test cannot go on without.

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
