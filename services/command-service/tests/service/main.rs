//! The write side over real gRPC, on both engines.

mod category;
mod idempotency;
mod input;
mod outage;
mod product;
mod protocol;
mod race;
mod repeat;
mod stock;
mod support;
