//! Database errors as the kernel's `StoreError`: what they mean is said in one place, for all databases.

pub(crate) use sql_database::{failed, store_error};
