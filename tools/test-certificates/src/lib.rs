//! Certificate authorities and what they issue, for tests of TLS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// The year in which a certificate expires whose test does not care.
const LAST_YEAR: i32 = 4096;

/// An authority that exists as long as the test.
#[derive(Debug)]
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone, Debug)]
pub struct Issued {
    pub certificate: String,
    pub key: String,
}

/// Where an [`Issued`] is stored.
#[derive(Clone, Debug)]
pub struct Stored {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// # Errors
    /// The key cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate()?;
        Ok(Self(CertifiedIssuer::self_signed(params, key)?))
    }

    /// A certificate for servers and clients with these host names and addresses.
    ///
    /// # Errors
    /// A name is neither a host name nor an address.
    pub fn issue(&self, hosts: &[&str]) -> Result<Issued> {
        self.issue_until(hosts, LAST_YEAR)
    }

    /// As [`issue`](Self::issue), and it expires when this year begins.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    pub fn issue_until(&self, hosts: &[&str], year: i32) -> Result<Issued> {
        let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(hosts)?;
        params.not_after = date_time_ymd(year, 1, 1);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.0)?;
        Ok(Issued {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }

    /// Stores the authority's own certificate.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn store(&self, path: &Path) -> Result<()> {
        fs::write(path, self.0.pem()).with_context(|| path.display().to_string())
    }
}

impl Issued {
    /// Stores both in a folder, as `NAME.crt` and `NAME.key`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn store(&self, folder: &Path, name: &str) -> Result<Stored> {
        let stored = Stored {
            certificate: folder.join(format!("{name}.crt")),
            key: folder.join(format!("{name}.key")),
        };
        fs::write(&stored.certificate, &self.certificate)?;
        fs::write(&stored.key, &self.key)?;
        Ok(stored)
    }
}
