//! The store against a real server. One program, so that one cluster serves all of its tests.

mod broken_connections;
mod clock;
mod conformance;
mod deaf_proxy;
mod fences;
mod hints;
mod plans;
mod poolers;
mod schemas;
mod start;
#[cfg(target_os = "linux")]
mod stopped_writer;
mod support;
mod waking;
