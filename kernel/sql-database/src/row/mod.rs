//! Rows as structs: each field is the column of the same name.
//!
//! Text, an integer and an enum without data are stored directly; an `Option` may be `NULL`; anything else (a list, a
//! map, a struct) is stored as JSON text. `serde` provides the types, so a row needs only its derives.
//! (`#[derive(sqlx::FromRow)]` would build both drivers and SQLite a second time, for the compiler: a quarter of a
//! first build.)

mod access;
mod column;
mod fields;
mod read;
mod write;

pub use fields::columns_of;
pub use read::Row;
pub use write::{Columns, RowError};
