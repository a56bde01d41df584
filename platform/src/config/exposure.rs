//! Who can reach the listeners, and what that allows.

use std::net::SocketAddr;

use super::error::ConfigError;
use super::names;
use super::setting::Spec;
use super::settings::Settings;

/// How much the services show of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppEnv {
    /// Introspection, suggestions and `GraphiQL` are there.
    Development,
    /// They are not.
    Production,
}

impl AppEnv {
    /// Reads `APP_ENV`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "development" => Some(Self::Development),
            "production" => Some(Self::Production),
            _ => None,
        }
    }
}

/// What `APP_ENV` says, or else what the process's listeners tell: development if all are loopback.
///
/// # Errors
/// Without authentication a listener that others can reach needs `INSECURE=true`.
pub fn app_env(
    settings: &Settings,
    listeners: &[(&Spec, SocketAddr)],
) -> Result<AppEnv, ConfigError> {
    let exposed = listeners
        .iter()
        .find(|(_, address)| !address.ip().to_canonical().is_loopback());
    if let Some((spec, _)) = exposed
        && !settings.get(&names::INSECURE)?
    {
        return Err(settings.refuse(
            spec,
            "a loopback address such as 127.0.0.1:4000, because AUTH is off and everybody could \
             change everything; INSECURE=true (--insecure) binds it nevertheless",
        ));
    }
    let by_listeners = if exposed.is_some() {
        AppEnv::Production
    } else {
        AppEnv::Development
    };
    Ok(settings.find(&names::APP_ENV)?.unwrap_or(by_listeners))
}
