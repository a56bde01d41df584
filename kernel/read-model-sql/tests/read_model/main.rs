//! The guarantees of a read model, on both engines.

mod checkpoints;
mod generations;
mod leases;
mod pages;
mod paused;
mod rebuild_fences;
mod rebuilds;
mod restored_log;
mod statements;
mod support;
mod test_read_model;
mod versions;
