//! Read models in SQL tables: generations, checkpoints and leases on SQLite and PostgreSQL.
