//! Whether clients are authenticated.

/// Whether the processes authenticate who calls them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Every client may do everything.
    Off,
    /// Clients send signed tokens, and services accept calls of the gateway alone.
    Jwt,
}

impl AuthMode {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "off" => Some(Self::Off),
            "jwt" => Some(Self::Jwt),
            _ => None,
        }
    }
}
