//! What clients get that are slow, silent, too many, or speak in a way that two servers may understand differently.

mod connections;
mod http1;
mod http2;
mod peer;
