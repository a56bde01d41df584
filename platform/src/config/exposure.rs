//! Checks whether listeners are reachable from other machines, and derives `APP_ENV` from that.

use std::net::SocketAddr;

use super::app_env::AppEnv;
use super::auth_mode::AuthMode;
use super::names;
use super::reader::{Read, Reader};
use super::setting::Setting;

const ONLY_LOOPBACK: &str = "a loopback address such as 127.0.0.1:4000, because AUTH is off and every client could \
    change everything; AUTH=jwt requires tokens, and INSECURE=true (--insecure) binds it nevertheless";

/// The value of `APP_ENV`; by default `development` if all listeners are loopback, else `production`.
///
/// # Errors
/// A setting does not parse, or a listener is reachable from other machines without authentication or `INSECURE=true`.
pub fn app_env(reader: &mut Reader, listeners: &[&Setting<SocketAddr>]) -> Read<AppEnv> {
    let insecure = reader.get(&names::INSECURE);
    let auth = reader.get(&names::AUTH);
    let is_open = matches!(insecure, Ok(false)) && matches!(auth, Ok(AuthMode::Off));
    let given = reader.find(&names::APP_ENV);
    let mut by_listeners = Ok(AppEnv::Development);
    for listener in listeners {
        let is_exposed = |address: SocketAddr| !address.ip().to_canonical().is_loopback();
        match reader.get(listener).map(is_exposed) {
            Ok(false) => {}
            Ok(true) if is_open => {
                by_listeners = Err(reader.reject(&listener.spec, ONLY_LOOPBACK));
            }
            Ok(true) => by_listeners = by_listeners.map(|_| AppEnv::Production),
            Err(wrong) => by_listeners = Err(wrong),
        }
    }
    insecure?;
    auth?;
    let by_listeners = by_listeners?;
    Ok(given?.unwrap_or(by_listeners))
}
