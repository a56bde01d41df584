//! What a read model promises, on both engines.

mod checkpoints;
mod generations;
mod leases;
mod pages;
mod statements;
mod support;
