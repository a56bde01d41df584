//! TLS of a listener.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{Contents, ListenerTls, Protocols};
use super::reloaded::Reloaded;
use super::{TlsError, cryptography, expiry, pem};
use crate::runtime::Tasks;

/// How often the files are compared with what is in use.
const INTERVAL: Duration = Duration::from_secs(5);

/// Accepts TLS connections. Clones share the certificate.
#[derive(Clone, Debug)]
pub struct ServerTls(Arc<Reloaded<ServerConfig>>);

impl ListenerTls {
    pub(super) fn build(
        &self,
        contents: &Contents,
        protocols: Protocols,
    ) -> Result<Arc<ServerConfig>, TlsError> {
        let cryptography = cryptography();
        let key = pem::certified_key(&self.own, contents, &cryptography)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&cryptography))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new("TLS", error.to_string()))?;
        let builder = match self.authorities(protocols) {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(pem::authorities(path, contents)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, cryptography)
                    .build()
                    .map_err(|error| TlsError::new(path, error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = match protocols {
            Protocols::Http => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Protocols::Grpc => vec![b"h2".to_vec()],
        };
        if protocols == Protocols::Grpc {
            // Connections are few and long, and a resumed one would not show its certificate again.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Arc::new(config))
    }
}

impl ServerTls {
    /// Reads the files of a listener, which is named by its setting.
    ///
    /// # Errors
    /// A file is invalid.
    pub fn open(
        listener: &'static str,
        files: &ListenerTls,
        protocols: Protocols,
    ) -> Result<Self, TlsError> {
        let (files, paths) = (files.clone(), files.paths(protocols));
        let build = Box::new(move |contents: &_| {
            let built = files.build(contents, protocols)?;
            expiry::publish(listener, &files.own, contents);
            Ok(built)
        });
        Ok(Self(Arc::new(Reloaded::open(listener, paths, build)?)))
    }

    /// Performs the handshake of a connection.
    ///
    /// # Errors
    /// The client speaks no TLS, or accepts none of this listener's protocols, or has no certificate although it needs one.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.0.current()).accept(stream).await
    }

    /// Reads the files again when they change and on SIGHUP, until `tasks` stop.
    pub(crate) fn keep_current(&self, tasks: &Tasks) {
        let stopping = tasks.stopping();
        let files = Arc::clone(&self.0);
        let mut hangup = signal(SignalKind::hangup()).ok();
        tasks.spawn("certificates", async move {
            let mut asked = async move || match &mut hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => std::future::pending().await,
            };
            loop {
                tokio::select! {
                    () = stopping.cancelled() => return,
                    () = asked() => {}
                    () = tokio::time::sleep(INTERVAL) => {}
                }
                // A file may be slow to read, such as one of a network.
                let files = Arc::clone(&files);
                let _ = tokio::task::spawn_blocking(move || files.read_again()).await;
            }
        });
    }
}
