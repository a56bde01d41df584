//! The read side over real gRPC, on both engines.

mod cache;
mod catalogue;
mod errors;
mod follower;
mod input;
mod lists;
mod outage;
mod positions;
mod projections;
mod serving;
mod support;
