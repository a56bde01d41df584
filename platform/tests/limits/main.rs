//! Limits for clients that are slow, silent, too many, or send requests that two servers may parse differently.

mod connections;
mod http1;
mod http2;
mod peer;
mod upgrades;
