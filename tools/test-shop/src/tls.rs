//! Connections of clients, with TLS and without.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A connection with TLS or without.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// Whom a client trusts, and what it presents.
#[derive(Clone)]
pub struct ClientTls(Arc<ClientConfig>);

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClientTls").finish_non_exhaustive()
    }
}

impl ClientTls {
    /// Trusts what this authority issues, and presents this certificate, whose key is the last file. All are in PEM.
    ///
    /// # Errors
    /// A file is missing or invalid.
    pub fn read(authority: &Path, certificate: &Path, key: &Path) -> Result<Self> {
        let pem = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&pem(authority)?)?)?;
        let own = CertificateDer::from_pem_slice(&pem(certificate)?)?;
        let key = PrivateKeyDer::from_pem_slice(&pem(key)?)?;
        let config = ClientConfig::builder().with_root_certificates(roots);
        Ok(Self(Arc::new(
            config.with_client_auth_cert(vec![own], key)?,
        )))
    }
}

/// Connects, with TLS for `protocol` (ALPN) if there is `tls`.
///
/// # Errors
/// No server listens at the address, or it and the client do not accept each other.
pub async fn connect(
    address: SocketAddr,
    tls: Option<&ClientTls>,
    protocol: &str,
) -> Result<Box<dyn Duplex>> {
    let stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let Some(ClientTls(config)) = tls else {
        return Ok(Box::new(stream));
    };
    let mut config = ClientConfig::clone(config);
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let host = ServerName::from(address.ip());
    let stream = TlsConnector::from(Arc::new(config)).connect(host, stream);
    Ok(Box::new(stream.await?))
}
