//! The protocols of collectors.

/// The protocol in which a collector takes spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    Grpc,
    /// Protobuf in POST requests.
    Http,
}

impl OtlpProtocol {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "grpc" => Some(Self::Grpc),
            "http/protobuf" => Some(Self::Http),
            _ => None,
        }
    }
}
