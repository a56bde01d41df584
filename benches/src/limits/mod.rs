//! What the engines give when nothing of ours is between: the hand-written programs that each figure is held
//! against.

mod fold;
mod four_commits;
mod graphql;
mod postgres;
mod run;
mod sqlite;
mod writes;

pub use fold::rebuild;
pub use four_commits::FourCommits;
pub use graphql::{Direct, GraphqlClient, PRODUCTS, fill, serve_direct};
pub use postgres::PostgresLog;
pub use run::run;
pub use sqlite::SqliteLog;
pub use writes::Writes;
