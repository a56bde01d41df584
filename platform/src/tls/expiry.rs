//! When certificates expire, as a metric.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::TlsError;
use super::files::{Contents, KeyPair};
use super::pem;

/// Publishes when the certificate of `user`, or the first of its issuers that are sent with it, expires.
#[expect(clippy::cast_precision_loss, reason = "seconds are exact in a float")]
pub(super) fn publish(user: &'static str, files: &KeyPair, contents: &Contents) {
    let chain = pem::certificates(&files.certificate, contents);
    if let Some(expiry) = chain.ok().and_then(|chain| earliest(&chain)) {
        metrics::gauge!("tls_certificate_expiry_timestamp_seconds", "user" => user)
            .set(expiry as f64);
    }
}

/// When the certificate in a file, or the first of its issuers in it, expires, in seconds since 1970; `None` if one cannot be
/// understood.
///
/// # Errors
/// The file cannot be read, or has no certificate.
pub fn expires_at(path: &Path) -> Result<Option<i64>, TlsError> {
    let contents = Contents::read(&[path.to_owned()])?;
    Ok(earliest(&pem::certificates(path, &contents)?))
}

/// In seconds since 1970; `None` if one cannot be read.
fn earliest(chain: &[CertificateDer<'_>]) -> Option<i64> {
    let expiries = chain.iter().map(|certificate| {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(certificate.validity().not_after.timestamp())
    });
    expiries.collect::<Option<Vec<_>>>()?.into_iter().min()
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;
    use test_certificates::Authority;

    use super::earliest;

    #[test]
    fn a_chain_expires_with_its_first_certificate() {
        let authority = Authority::new("test").expect("an authority");
        let expiring = |year| {
            let issued = authority.issue_until(&["localhost"], year);
            let pem = issued.expect("a certificate").certificate;
            CertificateDer::from_pem_slice(pem.as_bytes()).expect("valid PEM")
        };
        // 2030-01-01 and 2040-01-01.
        let (early, late) = (expiring(2030), expiring(2040));
        assert_eq!(earliest(std::slice::from_ref(&late)), Some(2_208_988_800));
        assert_eq!(earliest(&[late, early]), Some(1_893_456_000));
        assert_eq!(earliest(&[]), None);
        assert_eq!(earliest(&[CertificateDer::from(vec![1, 2, 3])]), None);
    }
}
