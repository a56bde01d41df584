//! The settings of TLS.

use std::path::{Path, PathBuf};

use super::files::{CallTls, Contents, KeyPair, ListenerTls, Protocols, Trust};
use super::{ClientTls, TlsError};
use crate::config::{Read, Reader, Recording, Setting, Spec, names};

/// The settings of a process whose listeners can speak TLS. Only gRPC listeners read the last one.
pub const LISTENERS: &[Spec] = &[
    names::TLS_CERT_FILE.spec,
    names::TLS_KEY_FILE.spec,
    names::TLS_CLIENT_CA_FILE.spec,
];

/// The settings of a process that calls services.
pub const CALLS: &[Spec] = &[
    names::SERVICE_CA_FILE.spec,
    names::SERVICE_CERT_FILE.spec,
    names::SERVICE_KEY_FILE.spec,
];

const SETTINGS: [&Setting<String>; 6] = [
    &names::TLS_CERT_FILE,
    &names::TLS_KEY_FILE,
    &names::TLS_CLIENT_CA_FILE,
    &names::SERVICE_CA_FILE,
    &names::SERVICE_CERT_FILE,
    &names::SERVICE_KEY_FILE,
];

impl ListenerTls {
    /// Reads the settings of a process with HTTP listeners alone; `None` if there is no certificate.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_http(reader: &mut Reader) -> Read<Option<Self>> {
        let own = key_pair(reader, &names::TLS_CERT_FILE, &names::TLS_KEY_FILE);
        Self::opened(reader, own?, None)
    }

    /// Reads [`LISTENERS`]; `None` if there is no certificate.
    ///
    /// # Errors
    /// A file is invalid, or one is set without the others that it needs.
    pub fn read(reader: &mut Reader) -> Read<Option<Self>> {
        let own = key_pair(reader, &names::TLS_CERT_FILE, &names::TLS_KEY_FILE);
        let authorities = reader.find(&names::TLS_CLIENT_CA_FILE);
        Self::opened(reader, own?, authorities?)
    }

    fn opened(
        reader: &mut Reader,
        own: Option<KeyPair>,
        authorities: Option<String>,
    ) -> Read<Option<Self>> {
        let Some(own) = own else {
            if authorities.is_none() {
                return Ok(None);
            }
            let spec = &names::TLS_CERT_FILE.spec;
            return Err(reader.require(spec, "a path, because TLS_CLIENT_CA_FILE is set"));
        };
        let files = Self {
            own,
            client_authorities: authorities.map(PathBuf::from),
        };
        let built = Contents::read(&files.paths(Protocols::Grpc))
            .and_then(|contents| files.build(&contents, Protocols::Grpc));
        match built {
            Ok(_) => Ok(Some(files)),
            Err(error) => Err(reject(reader, &error)),
        }
    }
}

impl CallTls {
    fn opened(self, reader: &mut Reader) -> Read<ClientTls> {
        ClientTls::open(self).map_err(|error| reject(reader, &error))
    }
}

impl ClientTls {
    /// Reads [`CALLS`]; `None` if there are no authorities.
    ///
    /// # Errors
    /// A file is invalid, or one is set without the others that it needs.
    pub fn read(reader: &mut Reader) -> Read<Option<Self>> {
        let authorities = reader.find(&names::SERVICE_CA_FILE);
        let own = own_of_calls(reader);
        let (authorities, own) = (authorities?, own?);
        match (authorities, own) {
            (Some(path), own) => {
                let trust = Trust::Authorities(path.into());
                CallTls { trust, own }.opened(reader).map(Some)
            }
            (None, Some(_)) => {
                let spec = &names::SERVICE_CA_FILE.spec;
                Err(reader.require(spec, "a path, because SERVICE_CERT_FILE is set"))
            }
            (None, None) => Ok(None),
        }
    }

    /// As [`Self::read`], for commands with the settings of the process that they call: without authorities they trust
    /// the certificate of its listeners.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_for_commands(reader: &mut Reader) -> Read<Option<Self>> {
        let (listener, own) = (reader.find(&names::TLS_CERT_FILE), own_of_calls(reader));
        let (listener, own) = (listener?, own?);
        match listener.filter(|_| !reader.is_given(&names::SERVICE_CA_FILE)) {
            None => Self::read(reader),
            Some(path) => {
                let trust = Trust::Certificate(path.into());
                CallTls { trust, own }.opened(reader).map(Some)
            }
        }
    }

    /// As [`Self::read_for_commands`], for a health check. Without authorities it is one of this machine's own process.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_for_healthcheck(reader: &mut Reader) -> Read<Option<Self>> {
        if reader.is_given(&names::SERVICE_CA_FILE) {
            Self::read(reader)
        } else {
            Self::read_of_listener(reader)
        }
    }

    /// For a health check of this process's own listener; `None` if that speaks no TLS. Any certificate is accepted: the check
    /// sends no secret, and must not fail while the listener still uses the previous certificate.
    ///
    /// # Errors
    /// The setting is invalid.
    pub fn read_of_listener(reader: &mut Reader) -> Read<Option<Self>> {
        if reader.find(&names::TLS_CERT_FILE)?.is_none() {
            return Ok(None);
        }
        let (trust, own) = (Trust::Any, None);
        CallTls { trust, own }.opened(reader).map(Some)
    }
}

fn own_of_calls(reader: &mut Reader) -> Read<Option<KeyPair>> {
    key_pair(reader, &names::SERVICE_CERT_FILE, &names::SERVICE_KEY_FILE)
}

/// A certificate and its key: both or none.
fn key_pair(
    reader: &mut Reader,
    certificate: &Setting<String>,
    key: &Setting<String>,
) -> Read<Option<KeyPair>> {
    let found = (reader.find(certificate), reader.find(key));
    match (found.0?, found.1?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(KeyPair {
            certificate: certificate.into(),
            key: key.into(),
        })),
        (Some(_), None) => Err(reader.require(&key.spec, "a path, because its certificate is set")),
        (None, Some(_)) => Err(reader.require(&certificate.spec, "a path, because its key is set")),
    }
}

/// Reports an invalid file as an invalid value of the setting that names it.
fn reject(reader: &mut Reader, error: &TlsError) -> Recording {
    let named = SETTINGS.iter().find(|setting| {
        let path = reader.find(setting).ok().flatten();
        path.is_some_and(|path| Path::new(&path) == error.path)
    });
    let spec = named.map_or(&names::TLS_CERT_FILE.spec, |setting| &setting.spec);
    reader.reject(spec, format!("a file in PEM, but {}", error.reason))
}
