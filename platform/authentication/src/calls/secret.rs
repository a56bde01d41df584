//! The secret that the gateway and the services share.

use std::fmt;
use std::path::Path;

use jsonwebtoken::{DecodingKey, EncodingKey};
use platform::config::{AuthMode, Read, Reader, names};
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::UNUSED;
use crate::error::KeyError;
use crate::keys::{MIN_SECRET_BYTES, read_secret};

/// A process that has it may make calls for every user.
#[derive(Clone)]
pub struct ServiceSecret {
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
}

impl ServiceSecret {
    /// The secret that the settings name; `None` if authentication is off. Without a file it is a random one, with which the
    /// process accepts its own calls alone.
    ///
    /// # Errors
    /// A setting is invalid, or there is a file although authentication is off.
    pub fn of_settings(reader: &mut Reader) -> Read<Option<Self>> {
        let spec = &names::SERVICE_SECRET_FILE.spec;
        let mode = reader.get(&names::AUTH);
        let file = reader.find(&names::SERVICE_SECRET_FILE);
        let secret = match (mode?, file?) {
            (AuthMode::Off, None) => return Ok(None),
            (AuthMode::Off, Some(_)) => {
                return Err(reader.reject(spec, UNUSED));
            }
            (AuthMode::Jwt, Some(path)) => Self::read(Path::new(&path)),
            (AuthMode::Jwt, None) => Self::random(),
        };
        secret
            .map(Some)
            .map_err(|error| reader.reject(spec, error.to_string()))
    }

    /// The secret in the file that the settings name, whatever else they say.
    ///
    /// # Errors
    /// The file has no secret.
    pub fn of_file(reader: &mut Reader) -> Read<Option<Self>> {
        let path = reader.find(&names::SERVICE_SECRET_FILE)?;
        let secret = path.map(|path| Self::read(Path::new(&path)));
        let spec = &names::SERVICE_SECRET_FILE.spec;
        secret
            .transpose()
            .map_err(|error| reader.reject(spec, error.to_string()))
    }

    /// Requires a file if authentication is on: the process calls others, or is called by them.
    ///
    /// # Errors
    /// There is none.
    pub fn require_file(reader: &mut Reader) -> Read<()> {
        let mode = reader.get(&names::AUTH);
        let file = reader.find(&names::SERVICE_SECRET_FILE);
        match (mode?, file?) {
            (AuthMode::Jwt, None) => {
                let spec = &names::SERVICE_SECRET_FILE.spec;
                Err(reader.require(spec, "a path, because AUTH is jwt"))
            }
            _ => Ok(()),
        }
    }

    fn read(path: &Path) -> Result<Self, KeyError> {
        let secret = read_secret(path)?;
        Self::of(&secret).ok_or_else(|| KeyError::NotAKey {
            path: path.to_owned(),
        })
    }

    fn random() -> Result<Self, KeyError> {
        let mut secret = [0; MIN_SECRET_BYTES];
        let filled = SystemRandom::new().fill(&mut secret).ok();
        let made = filled.and_then(|()| Self::of(&secret));
        made.ok_or(KeyError::NoRandomNumbers)
    }

    fn of(secret: &[u8]) -> Option<Self> {
        Some(Self {
            signing: EncodingKey::from_secret(secret).ok()?,
            verifying: DecodingKey::from_secret(secret).ok()?,
        })
    }
}

impl fmt::Debug for ServiceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceSecret")
    }
}
