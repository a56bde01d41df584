//! The files of certificates, and what is in them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::TlsError;

/// A bundle with all authorities of an operating system has 250 KB.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// A certificate and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The files of a process's listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    pub(super) own: KeyPair,
    /// Of which clients of gRPC must have a certificate.
    pub(super) client_authorities: Option<PathBuf>,
}

/// The files of a process's calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallTls {
    pub(super) trust: Trust,
    /// What calls present to a service that requires a certificate.
    pub(super) own: Option<KeyPair>,
}

/// Which certificates of servers are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Those of the authorities in this file, for the host that is called.
    Authorities(PathBuf),
    /// The first certificate in this file, for any host.
    Certificate(PathBuf),
    Any,
}

impl Trust {
    fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::Authorities(path) | Self::Certificate(path) => Some(path),
            Self::Any => None,
        }
    }
}

impl ListenerTls {
    pub(super) fn paths(&self, protocols: Protocols) -> Vec<PathBuf> {
        let own = [&self.own.certificate, &self.own.key];
        let authorities = self.authorities(protocols).into_iter();
        own.into_iter().chain(authorities).cloned().collect()
    }

    /// Of which clients of these protocols must have a certificate.
    pub(super) fn authorities(&self, protocols: Protocols) -> Option<&PathBuf> {
        let authorities = self.client_authorities.as_ref();
        authorities.filter(|_| protocols == Protocols::Grpc)
    }
}

impl CallTls {
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        let own = self.own.iter().flat_map(|own| [&own.certificate, &own.key]);
        self.trust.path().into_iter().chain(own).cloned().collect()
    }
}

/// The protocols that a listener speaks, from which a client chooses one in its handshake (ALPN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocols {
    /// HTTP/2 and HTTP/1.1.
    Http,
    /// HTTP/2. Clients must have a certificate if the settings name their authorities.
    Grpc,
}

/// What was in some files at one time.
#[derive(PartialEq, Eq)]
pub(super) struct Contents(Vec<(PathBuf, Vec<u8>)>);

impl Contents {
    /// Reads all files.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) fn read(paths: &[PathBuf]) -> Result<Self, TlsError> {
        let read = |path: &PathBuf| Ok((path.clone(), read_file(path)?));
        paths.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The content of a file; empty if it is none of these.
    pub(super) fn of(&self, path: &Path) -> &[u8] {
        let file = self.0.iter().find(|(of, _)| of == path);
        file.map_or(&[], |(_, content)| content)
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |error: std::io::Error| TlsError::new(path, error.to_string());
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if u64::try_from(content.len()).is_ok_and(|bytes| bytes <= MAX_FILE_BYTES) {
        Ok(content)
    } else {
        Err(TlsError::new(
            path,
            format!("it has more than {MAX_FILE_BYTES} bytes"),
        ))
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // There are private keys in it.
        f.debug_list()
            .entries(self.0.iter().map(|(path, _)| path))
            .finish()
    }
}
