//! The limits: hand-written programs that use the engines directly, with which figures are compared.

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
