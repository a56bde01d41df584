//! Rows as structs: each field is the column of its name.
//!
//! A field of text, of an integer, or an enum without data is a column as it is; an `Option` may be `NULL`; anything
//! else (a list, a map, a struct) is a column of text that holds JSON. `serde` says which is which, so a row needs its
//! derives alone. (`#[derive(sqlx::FromRow)]` would build both drivers and SQLite a second time, for the compiler: a
//! quarter of a first build.)

mod access;
mod column;
mod fields;
mod read;
mod write;

pub use fields::columns_of;
pub use read::Row;
pub use write::{Columns, RowError};
