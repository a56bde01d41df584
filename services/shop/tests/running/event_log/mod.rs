//! `shop events` and `shop snapshots`: on both engines, next to a shop that writes and without one.

mod damage;
mod documents;
mod follow;
mod migration;
mod show;
mod snapshots;
mod support;
