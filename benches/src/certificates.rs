//! Certificates of all processes and clients.

use std::path::Path;

use anyhow::{Context, Result};
use test_certificates::{Authority, Stored};
use test_shop::{ClientTls, Folder};

/// One authority, and one certificate that all use. The files are removed on drop.
#[derive(Debug)]
pub struct Certificates {
    authority: String,
    certificate: String,
    key: String,
    _folder: Folder,
}

impl Certificates {
    pub fn create() -> Result<Self> {
        let folder = Folder::create()?;
        let authority = Authority::new("benches")?;
        let path = folder.path().join("ca.crt");
        authority.store(&path)?;
        let issued = authority.issue(&["127.0.0.1", "localhost"])?;
        let Stored { certificate, key } = issued.store(folder.path(), "all")?;
        Ok(Self {
            authority: text(&path)?,
            certificate: text(&certificate)?,
            key: text(&key)?,
            _folder: folder,
        })
    }

    /// Of every process: each has TLS, and the services require certificates of their clients.
    pub fn settings(&self) -> [(&'static str, &str); 6] {
        [
            ("TLS_CERT_FILE", &self.certificate),
            ("TLS_KEY_FILE", &self.key),
            ("TLS_CLIENT_CA_FILE", &self.authority),
            ("SERVICE_CA_FILE", &self.authority),
            ("SERVICE_CERT_FILE", &self.certificate),
            ("SERVICE_KEY_FILE", &self.key),
        ]
    }

    pub fn client(&self) -> Result<ClientTls> {
        let files = [&self.authority, &self.certificate, &self.key].map(Path::new);
        let [authority, certificate, key] = files;
        ClientTls::read(authority, certificate, key)
    }
}

fn text(path: &Path) -> Result<String> {
    let text = path.to_str().context("the folder's path is not text")?;
    Ok(text.to_owned())
}
