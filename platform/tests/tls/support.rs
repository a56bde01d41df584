//! Listeners with TLS, and clients of them.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use platform::config::ConfigErrors;
use platform::runtime::{ConnectionLimits, GrpcListener, HttpListener};
use platform::telemetry::Metrics;
use platform::tls::{ClientTls, ListenerTls};
use platform::{Health, Settings, Tasks, health};
use tempfile::TempDir;
use test_certificates::{Authority, Stored};
use tokio::net::TcpStream;
use tonic::service::Routes;

pub const TIMEOUT: Duration = Duration::from_secs(20);
pub const HOST: &str = "127.0.0.1";

/// An authority, a server and a client that it knows.
pub struct World {
    pub folder: TempDir,
    pub authority: Authority,
    pub server: Stored,
    pub client: Stored,
}

impl World {
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let authority = Authority::new("tests").expect("an authority");
        authority
            .store(&folder.path().join("ca.crt"))
            .expect("stored");
        let issue = |name: &str| {
            let issued = authority.issue(&[HOST]).expect("a certificate");
            issued.store(folder.path(), name).expect("stored")
        };
        let (server, client) = (issue("server"), issue("client"));
        Self {
            folder,
            authority,
            server,
            client,
        }
    }

    pub fn path(&self, name: &str) -> String {
        text(&self.folder.path().join(name))
    }

    /// The settings of a process that serves with the server's certificate and calls with the client's.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TLS_CERT_FILE", text(&self.server.certificate)),
            ("TLS_KEY_FILE", text(&self.server.key)),
            ("SERVICE_CA_FILE", self.path("ca.crt")),
            ("SERVICE_CERT_FILE", text(&self.client.certificate)),
            ("SERVICE_KEY_FILE", text(&self.client.key)),
        ]
    }

    pub fn mutual(&self) -> Vec<(&'static str, String)> {
        let authorities = ("TLS_CLIENT_CA_FILE", self.path("ca.crt"));
        self.settings().into_iter().chain([authorities]).collect()
    }
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}

pub fn listener_tls(
    settings: &[(&'static str, String)],
) -> Result<Option<ListenerTls>, ConfigErrors> {
    environment(settings).read(ListenerTls::read)
}

pub fn client_tls(settings: &[(&'static str, String)]) -> Result<Option<ClientTls>, ConfigErrors> {
    environment(settings).read(ClientTls::read)
}

pub fn environment(settings: &[(&'static str, String)]) -> Settings {
    Settings::from_environment(settings.iter().map(|(name, value)| (*name, value.as_str())))
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Serves health, `/echo`, which returns the body, and `/slow`, which takes longer than any client waits.
pub async fn http(
    settings: &[(&'static str, String)],
    limits: ConnectionLimits,
    tasks: &Tasks,
) -> SocketAddr {
    let files = listener_tls(settings).expect("valid files");
    let listener = HttpListener::bind("TEST_ADDR", anywhere()).await;
    let listener = listener.expect("a free port").with_limits(limits);
    let listener = listener.with_tls(files.as_ref()).expect("valid files");
    let address = listener.address();
    let echo = post(async |request: Request| {
        axum::body::to_bytes(request.into_body(), 1_000_000)
            .await
            .map_err(|_| http::StatusCode::UNPROCESSABLE_ENTITY)
    });
    let large = get(async || "x".repeat(1_000_000));
    // Of a length that is not known before, as that of a compressed response.
    let parts = get(async || {
        let part = Ok::<_, Infallible>(Bytes::from(vec![b'x'; 10_000]));
        Body::from_stream(futures::stream::iter(vec![part; 100]))
    });
    let health = health::router(Health::new("1", tasks), Metrics::detached());
    let router = Router::new()
        .route("/echo", echo)
        .route("/large", large)
        .route("/parts", parts);
    listener.serve(health.merge(router), tasks);
    address
}

pub async fn grpc(settings: &[(&'static str, String)], tasks: &Tasks) -> SocketAddr {
    let health = Health::new("1", tasks);
    health.component("database").up("connected");
    let routes = Routes::new(health::grpc_service(health, ["shop.Api"]));
    let files = listener_tls(settings).expect("valid files");
    let listener = GrpcListener::bind("TEST_ADDR", anywhere()).await;
    let listener = listener.expect("a free port");
    let listener = listener.with_tls(files.as_ref()).expect("valid files");
    let address = listener.address();
    listener.serve(routes, tasks);
    address
}

/// A connection after its handshake.
pub type Connected = tokio_rustls::client::TlsStream<TcpStream>;

pub async fn connect(
    tls: &ClientTls,
    address: SocketAddr,
    protocols: &[&str],
) -> std::io::Result<Connected> {
    let stream = TcpStream::connect(address).await?;
    tls.connect(HOST, stream, protocols).await
}

pub type Http1 = hyper::client::conn::http1::SendRequest<Full<Bytes>>;
pub type Http2<B> = hyper::client::conn::http2::SendRequest<B>;

pub async fn http1(stream: Connected) -> Http1 {
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http1::handshake(io)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    sender
}

pub async fn http2<B>(stream: Connected) -> Http2<B>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    // As small as the standard's, so that a response can be larger.
    http2_with_window(stream, 65_535).await
}

/// A client with room for this many bytes of each response.
pub async fn http2_with_window<B>(stream: Connected, bytes: u32) -> Http2<B>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let io = TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(bytes)
        .handshake(io)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    sender
}

pub fn request<B>(method: &str, path: &str, body: B) -> http::Request<B> {
    http::Request::builder()
        .method(method)
        .uri(format!("https://{HOST}{path}"))
        .header(http::header::HOST, HOST)
        .body(body)
        .expect("a request")
}

pub async fn body(response: http::Response<hyper::body::Incoming>) -> String {
    let bytes = response.into_body().collect().await.expect("a body");
    String::from_utf8(bytes.to_bytes().into()).expect("text")
}
