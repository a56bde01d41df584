//! Database errors as the kernel's `StoreError`, classified by `sql-database`.

pub(crate) use sql_database::{failed, store_error};
