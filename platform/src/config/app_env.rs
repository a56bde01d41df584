//! How much the services show.

/// How much the services show of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// Introspection, suggestions and `GraphiQL` are there.
    Development,
    Production,
}

impl AppEnv {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "development" => Some(Self::Development),
            "production" => Some(Self::Production),
            _ => None,
        }
    }
}
