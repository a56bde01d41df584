//! `SHIPPING_URL`.

use std::path::PathBuf;

use platform::config::{Read, Reader, names};

use crate::Secret;
use crate::simulated::SimulationConfig;
use crate::url::{Accepts, ProviderUrl};

const SCHEMES: &[&str] = &["simulated://", "https://HOST"];
/// Without TLS, for tests on the same machine.
const PLAIN: &str = "http://LOOPBACK";

/// Which carrier is used.
#[derive(Clone, Debug)]
pub enum ShippingConfig {
    Simulated(SimulationConfig),
    /// A server with the protocol of `docs/providers.md`.
    Http(HttpShippingSettings),
}

/// The server's URL and credentials.
#[derive(Clone, Debug)]
pub struct HttpShippingSettings {
    /// The URL that `/shipments` is added to.
    pub base: String,
    /// Sent as bearer token.
    pub token: Option<Secret>,
    /// A file with certificates to trust in addition to the system's.
    pub ca_file: Option<PathBuf>,
}

impl ShippingConfig {
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Simulated(_) => "simulated",
            Self::Http(_) => "https",
        }
    }

    /// Reads the URL and the token.
    ///
    /// # Errors
    /// The URL is not supported, or the token cannot be read.
    pub fn read(reader: &mut Reader) -> Read<Self> {
        let setting = &names::SHIPPING_URL;
        let text = reader.get(setting)?;
        let url = ProviderUrl::parse(&text, &[SCHEMES, &[PLAIN]].concat())
            .map_err(|accepts| reader.reject(&setting.spec, accepts))?;
        if url.scheme() == "simulated" {
            let config = SimulationConfig::read(url);
            return config
                .map(Self::Simulated)
                .map_err(|accepts| reader.reject(&setting.spec, accepts));
        }
        let token = Secret::find(reader, &names::SHIPPING_TOKEN, &names::SHIPPING_TOKEN_FILE);
        let place = place(url).map_err(|accepts| reader.reject(&setting.spec, accepts));
        let (base, ca_file) = place?;
        Ok(Self::Http(HttpShippingSettings {
            base,
            token: token?,
            ca_file,
        }))
    }
}

/// The URL to add `/shipments` to, and the file with certificates.
fn place(mut url: ProviderUrl) -> Result<(String, Option<PathBuf>), Accepts> {
    url.without_credentials("SHIPPING_TOKEN")?;
    if url.scheme() == "http" && !url.is_loopback() {
        return Err(format!(
            "{}; {PLAIN} on this machine only",
            SCHEMES.join(" or ")
        ));
    }
    let path = url.path().trim_end_matches('/');
    let base = format!("{}://{}{path}", url.scheme(), url.authority()?);
    let ca_file = url.text("ca_file")?.map(PathBuf::from);
    url.finish()?;
    Ok((base, ca_file))
}
