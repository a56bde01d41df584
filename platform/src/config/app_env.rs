//! The environment of a deployment.

/// The environment, which decides how much the services reveal about themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// Introspection, suggestions and `GraphiQL` are available.
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
