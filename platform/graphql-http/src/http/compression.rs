//! Compresses responses: zstd, brotli or gzip, as the client prefers.
//!
//! Not what a page asks for that may not call the gateway: it cannot read the response, but it sees the length, and the length of a
//! compressed response tells whether a guess that the page sends occurs in it (BREACH).

use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};

/// A shorter response fits into one packet anyway.
const MIN_BYTES: u16 = 1_024;
/// Of brotli, gzip and zstd alike: about as fast as they are sent.
const LEVEL: CompressionLevel = CompressionLevel::Precise(4);

pub type Compression = CompressionLayer<And<SizeAbove, NotForContentType>>;

/// Compresses long responses that are not streams.
pub fn layer() -> Compression {
    let streams = NotForContentType::const_new("text/event-stream");
    CompressionLayer::new()
        .quality(LEVEL)
        .compress_when(SizeAbove::new(MIN_BYTES).and(streams))
}
