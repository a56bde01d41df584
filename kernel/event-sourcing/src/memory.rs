//! An event store in memory: for teaching and for tests. It keeps every promise but durability.
