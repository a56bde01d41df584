//! The read side over real gRPC, on both engines.

mod authentication;
mod building;
mod cache;
mod catalogue;
mod changes;
mod connections;
mod errors;
mod follower;
mod gated;
mod health;
mod input;
mod lists;
mod order_events;
mod order_folds;
mod orders;
mod outage;
mod paging;
mod parking;
mod positions;
mod projections;
mod saga_folds;
mod sagas;
mod serving;
mod support;
