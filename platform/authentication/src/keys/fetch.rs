//! Reads keys from a provider over HTTP.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use reqwest::redirect::Policy;
use reqwest::{Body, Client, retry};
use rustls::crypto::ring;
use serde::Deserialize;

use super::key_set::KeySet;
use super::provider_url::ProviderUrl;
use crate::error::KeyError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The path of a provider's description (`OpenID` Connect Discovery 1.0, section 4).
const DESCRIPTION: &str = ".well-known/openid-configuration";

#[derive(Debug)]
pub struct Fetch {
    client: Client,
    source: Source,
}

#[derive(Clone, Debug)]
pub enum Source {
    KeySet(ProviderUrl),
    /// The URL of the issuer, with its name, which the description must repeat.
    Provider(ProviderUrl, String),
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `issuer` and `jwks_uri`")]
struct Description {
    issuer: String,
    jwks_uri: String,
}

impl Fetch {
    /// # Errors
    /// The client cannot be set up, such as without any root certificate.
    pub fn try_new(source: Source) -> Result<Self, KeyError> {
        // An error means that one is installed already.
        let _ = ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .retry(retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(RESPONSE_TIMEOUT)
            .build()
            .map_err(KeyError::Client)?;
        Ok(Self { client, source })
    }

    /// The keys that the provider has now.
    ///
    /// # Errors
    /// It does not answer, or not with keys.
    pub async fn keys(&self) -> Result<KeySet, KeyError> {
        let url = match &self.source {
            Source::KeySet(url) => url.clone(),
            Source::Provider(url, issuer) => self.key_set_of(url, issuer).await?,
        };
        let body = self.get(&url).await?;
        KeySet::of_jwks(&body).map_err(|fault| answer(&url, fault))
    }

    async fn key_set_of(
        &self,
        provider: &ProviderUrl,
        issuer: &str,
    ) -> Result<ProviderUrl, KeyError> {
        let url = provider.join(DESCRIPTION);
        let body = self.get(&url).await?;
        let description: Description = serde_json::from_slice(&body)
            .map_err(|error| answer(&url, format!("is not a provider's description: {error}")))?;
        if description.issuer != issuer {
            // Else a provider could sign for another one (section 4.3).
            return Err(answer(&url, "names another issuer".to_owned()));
        }
        let keys = description.jwks_uri.parse();
        keys.map_err(|error: KeyError| answer(&url, format!("has the jwks_uri {error}")))
    }

    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, KeyError> {
        let unreachable = |error: reqwest::Error| KeyError::Unreachable {
            url: url.to_string(),
            cause: error.without_url().to_string(),
        };
        let response = self.client.get(url.url().clone()).send().await;
        let response = response.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(answer(url, format!("answers {}", response.status())));
        }
        let body = Limited::new(Body::from(response), MAX_ANSWER_BYTES)
            .collect()
            .await;
        let body = body.map_err(|_| {
            answer(
                url,
                format!("has an incomplete answer, or one above {MAX_ANSWER_BYTES} bytes"),
            )
        })?;
        Ok(body.to_bytes().to_vec())
    }
}

fn answer(url: &ProviderUrl, fault: String) -> KeyError {
    let url = url.to_string();
    KeyError::Answer { url, fault }
}
