//! The shop as its keeper runs it: start, seed, order, help its sagas, stop.

mod golden;
mod health;
mod life;
mod orders;
mod projections;
mod sagas;
mod seed;
mod support;
mod waiting;
