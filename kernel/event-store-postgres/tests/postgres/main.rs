//! Tests of the store with a real server. One program, so that all tests share one cluster.

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
