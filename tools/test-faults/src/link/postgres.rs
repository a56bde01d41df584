//! Leads the URL of a PostgreSQL database through a link.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;

use anyhow::{Context, Result};

use super::target::Target;

/// The target of a PostgreSQL URL, and the URL with its address replaced by `to`.
pub(super) fn redirect(url: &str, to: SocketAddr) -> Result<(Target, String)> {
    const NOT_A_URL: &str = "not a URL of PostgreSQL";
    let (scheme, rest) = url.split_once("://").context(NOT_A_URL)?;
    let (authority, rest) = rest.split_once('/').context(NOT_A_URL)?;
    let (database, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (user, place) = authority.rsplit_once('@').context(NOT_A_URL)?;
    let (host, port) = place.rsplit_once(':').unwrap_or((place, "5432"));
    let socket = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    let target = if let Some(folder) = socket {
        Target::Unix(Path::new(folder).join(format!(".s.PGSQL.{port}")))
    } else {
        let port: u16 = port.parse().context(NOT_A_URL)?;
        let mut addresses = (host, port).to_socket_addrs()?;
        Target::Tcp(addresses.next().context("the server has no address")?)
    };
    let others = query.split('&').filter(|pair| !pair.starts_with("host="));
    let others = others.collect::<Vec<_>>().join("&");
    Ok((
        target,
        format!("{scheme}://{user}@{to}/{database}?{others}"),
    ))
}
