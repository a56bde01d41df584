//! The settings of authentication.

use std::path::Path;

use platform::config::{AuthMode, Read, Reader, Setting, names};

use crate::error::KeyError;
use crate::keys::{KeySet, KeySource, ProviderUrl};
use crate::rules::TokenRules;

/// How the tokens of clients are verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    pub source: KeySource,
    pub rules: TokenRules,
}

impl TokenConfig {
    /// Reads the settings; `None` if authentication is off.
    ///
    /// # Errors
    /// A setting is invalid, there are two sources of keys, or one although authentication is off: it would be believed to be on.
    pub fn read(reader: &mut Reader) -> Read<Option<Self>> {
        let mode = reader.get(&names::AUTH);
        let issuer = reader.get(&names::AUTH_ISSUER);
        let audience = reader.get(&names::AUTH_AUDIENCE);
        let roles_claim = reader.get(&names::AUTH_ROLES_CLAIM);
        let source = key_source(reader, mode.as_ref().ok().copied());
        let unused = reject_unused(reader, mode.as_ref().ok().copied());
        unused?;
        let (mode, source) = (mode?, source?);
        let rules = TokenRules {
            issuer: issuer?,
            audience: audience?,
            roles_claim: roles_claim?,
        };
        Ok(match mode {
            AuthMode::Off => None,
            AuthMode::Jwt => source.map(|source| Self { source, rules }),
        })
    }
}

/// A provider is set up by these alone.
fn reject_unused(reader: &mut Reader, mode: Option<AuthMode>) -> Read<()> {
    let mut rejected = Ok(());
    for setting in [
        &names::AUTH_ISSUER,
        &names::AUTH_AUDIENCE,
        &names::AUTH_ROLES_CLAIM,
    ] {
        if mode == Some(AuthMode::Off) && reader.is_given(setting) {
            rejected = Err(reader.reject(&setting.spec, UNUSED));
        }
    }
    rejected
}

pub const UNUSED: &str = "no value while AUTH is off; AUTH=jwt turns authentication on";

const SOURCES: [&Setting<String>; 3] = [
    &names::AUTH_JWT_SECRET_FILE,
    &names::AUTH_JWT_KEY_FILE,
    &names::AUTH_JWKS_URL,
];

fn key_source(reader: &mut Reader, mode: Option<AuthMode>) -> Read<Option<KeySource>> {
    // All are read before the first error ends it, so that all errors are reported.
    let found = SOURCES.map(|setting| (setting, reader.find(setting)));
    let mut given = Vec::new();
    for (setting, value) in found {
        if let Some(value) = value? {
            given.push((setting, value));
        }
    }
    match (mode, &given[..]) {
        (Some(AuthMode::Off), [(setting, _), ..]) => Err(reader.reject(&setting.spec, UNUSED)),
        (_, [_, (second, _), ..]) => {
            let rule = "one of AUTH_JWT_SECRET_FILE, AUTH_JWT_KEY_FILE and AUTH_JWKS_URL";
            Err(reader.reject(&second.spec, rule))
        }
        (Some(AuthMode::Jwt), []) => {
            let issuer = &names::AUTH_ISSUER;
            provider(reader, issuer).map(|url| Some(KeySource::Provider(url)))
        }
        (_, [(setting, value)]) => Ok(Some(match setting.spec.name {
            "AUTH_JWT_SECRET_FILE" => {
                checked(reader, setting, KeySet::of_secret(Path::new(value)))?;
                KeySource::Secret(value.into())
            }
            "AUTH_JWT_KEY_FILE" => {
                checked(reader, setting, KeySet::of_public_key(Path::new(value)))?;
                KeySource::PublicKey(value.into())
            }
            _ => KeySource::KeySet(provider(reader, setting)?),
        })),
        (_, []) => Ok(None),
    }
}

/// Reports a file without a key as what it is, an invalid setting.
fn checked(
    reader: &mut Reader,
    setting: &Setting<String>,
    keys: Result<KeySet, KeyError>,
) -> Read<()> {
    let keys = keys.map_err(|error| reader.reject(&setting.spec, error.to_string()));
    keys.map(|_| ())
}

fn provider(reader: &mut Reader, setting: &Setting<String>) -> Read<ProviderUrl> {
    let url = reader.get(setting)?;
    url.parse().map_err(|_| {
        let rule = "an https URL, or http on this machine; the keys of tokens are AUTH_JWT_SECRET_FILE, \
            AUTH_JWT_KEY_FILE, AUTH_JWKS_URL, or those of the OpenID provider AUTH_ISSUER";
        reader.reject(&setting.spec, rule)
    })
}
