//! TLS of calls to other processes.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::files::{CallTls, Contents, Trust};
use super::pinned::Pinned;
use super::reloaded::Reloaded;
use super::{TlsError, cryptography, expiry, pem};

/// Who uses the files, in logs and metrics.
const USER: &str = "calls";

/// Opens TLS connections. Clones share the certificates.
#[derive(Clone, Debug)]
pub struct ClientTls(Arc<Reloaded<ClientConfig>>);

impl CallTls {
    pub(super) fn build(&self, contents: &Contents) -> Result<Arc<ClientConfig>, TlsError> {
        let cryptography = cryptography();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&cryptography))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new("TLS", error.to_string()))?;
        let builder = match &self.trust {
            Trust::Authorities(path) => {
                builder.with_root_certificates(pem::authorities(path, contents)?)
            }
            Trust::Certificate(path) => {
                let only = pem::first_certificate(path, contents)?;
                let verifier = Pinned::new(Some(only), &cryptography);
                let dangerous = builder.dangerous();
                dangerous.with_custom_certificate_verifier(verifier)
            }
            Trust::Any => {
                let verifier = Pinned::new(None, &cryptography);
                let dangerous = builder.dangerous();
                dangerous.with_custom_certificate_verifier(verifier)
            }
        };
        let mut config = match &self.own {
            None => builder.with_no_client_auth(),
            Some(own) => {
                let key = pem::certified_key(own, contents, &cryptography)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
        };
        // A resumed connection would not verify a certificate that has been replaced.
        config.resumption = Resumption::disabled();
        Ok(Arc::new(config))
    }
}

impl ClientTls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is invalid.
    pub(super) fn open(files: CallTls) -> Result<Self, TlsError> {
        let paths = files.paths();
        let build = Box::new(move |contents: &_| {
            let built = files.build(contents)?;
            if let Some(own) = &files.own {
                expiry::publish(USER, own, contents);
            }
            Ok(built)
        });
        Ok(Self(Arc::new(Reloaded::open(USER, paths, build)?)))
    }

    /// The configuration of another client library, without protocols.
    #[must_use]
    pub fn config(&self) -> ClientConfig {
        self.0.read_again();
        ClientConfig::clone(&self.0.current())
    }

    /// Performs the handshake of a connection to `host`, which speaks one of `protocols` (ALPN).
    ///
    /// # Errors
    /// The server's certificate is not trusted, is not one for `host`, or the handshake fails otherwise.
    pub async fn connect(
        &self,
        host: &str,
        stream: TcpStream,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let this = self.clone();
        let read = tokio::task::spawn_blocking(move || this.config());
        let mut config = read.await.map_err(std::io::Error::other)?;
        let name = |name: &&str| name.as_bytes().to_vec();
        config.alpn_protocols = protocols.iter().map(name).collect();
        let bare = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(bare).map_err(std::io::Error::other)?;
        TlsConnector::from(Arc::new(config))
            .connect(name, stream)
            .await
    }
}
