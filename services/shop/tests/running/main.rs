//! The shop as its keeper runs it: start, seed, order, help its sagas, stop.

mod authentication;
mod backup;
mod doctor;
mod documents;
mod event_log;
mod golden;
mod handlers;
mod health;
mod interrupted_restore;
mod life;
mod orders;
mod projections;
mod rebuilds;
mod sagas;
mod seed;
mod support;
mod tls;
mod unknown_event;
mod waiting;
mod webhooks;
