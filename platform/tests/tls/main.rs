//! Listeners and calls over TLS, on real sockets.

mod calls;
mod http;
mod renewal;
mod settings;
mod support;
