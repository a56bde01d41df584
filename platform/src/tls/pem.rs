//! Certificates and keys in PEM.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;
use super::files::{Contents, KeyPair};

/// A certificate with those of its issuers, and its private key.
pub(super) fn certified_key(
    files: &KeyPair,
    contents: &Contents,
    cryptography: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(&files.certificate, contents)?;
    let key = PrivateKeyDer::from_pem_slice(contents.of(&files.key))
        .map_err(|_| TlsError::new(&files.key, "it has no private key in PEM"))?;
    CertifiedKey::from_der(chain, key, cryptography)
        .map(Arc::new)
        .map_err(|error| {
            let reason = match error {
                rustls::Error::InconsistentKeys(_) => {
                    let certificate = files.certificate.display();
                    format!("it is not the key of the certificate in {certificate}")
                }
                other => other.to_string(),
            };
            TlsError::new(&files.key, reason)
        })
}

/// The first certificate of a file.
pub(super) fn first_certificate(
    path: &Path,
    contents: &Contents,
) -> Result<CertificateDer<'static>, TlsError> {
    Ok(certificates(path, contents)?.swap_remove(0))
}

/// The authorities of a file, at least one.
pub(super) fn authorities(path: &Path, contents: &Contents) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, contents)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::new(path, error.to_string()))?;
    }
    Ok(roots)
}

/// The certificates of a file, at least one.
pub(super) fn certificates(
    path: &Path,
    contents: &Contents,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all = CertificateDer::pem_slice_iter(contents.of(path)).collect::<Result<Vec<_>, _>>();
    match all {
        Ok(all) if all.is_empty() => Err(TlsError::new(path, "it has no certificate in PEM")),
        Ok(all) => Ok(all),
        Err(error) => Err(TlsError::new(path, format!("it is not valid PEM: {error}"))),
    }
}
