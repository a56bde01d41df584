//! Certificates to trust in addition to the system's.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::ProvidersError;

/// Reads a PEM file with at least one certificate.
pub(super) fn in_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, ProvidersError> {
    let read = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| ProvidersError::certificates(Some(path), error.to_string()))?;
    if read.is_empty() {
        return Err(ProvidersError::certificates(Some(path), "there are none"));
    }
    Ok(read)
}
