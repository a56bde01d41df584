//! A proxy for the server that can drop its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Forwards connections. Open ones stay open when it is dropped.
pub struct DeafProxy {
    /// The URL of the database through the proxy.
    pub url: String,
    lost: Arc<AtomicU64>,
}

impl DeafProxy {
    pub async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server: PgConnectOptions = url.parse().expect("a database's address");
        let port = listener.local_addr().expect("the port").port();
        let user = server.get_username();
        let database = server.get_database().expect("a database's name");
        let proxy = Self {
            url: format!("postgres://{user}@127.0.0.1:{port}/{database}?sslmode=disable"),
            lost: Arc::default(),
        };
        let lost = Arc::clone(&proxy.lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, server.clone(), Arc::clone(&lost)));
            }
        });
        proxy
    }

    /// Drops the answer to the request with this number, counted from now over all connections, and closes its
    /// connection.
    pub fn lose_answer(&self, request: u64) {
        self.lost.store(request, Ordering::SeqCst);
    }
}

async fn forward(client: TcpStream, server: PgConnectOptions, lost: Arc<AtomicU64>) {
    if let Some(folder) = server.get_socket() {
        let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
        let server = UnixStream::connect(socket).await.expect("the server");
        exchange(client, server.into_split(), &lost).await;
    } else {
        let address = (server.get_host(), server.get_port());
        let server = TcpStream::connect(address).await.expect("the server");
        exchange(client, server.into_split(), &lost).await;
    }
}

async fn exchange(
    client: TcpStream,
    (mut answers, mut requests): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    lost: &AtomicU64,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let is_deaf = AtomicBool::new(false);
    let there = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            let left = lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
            if left == Ok(1) {
                is_deaf.store(true, Ordering::SeqCst);
            }
            if requests.write_all(&buffer[..count]).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer).await {
            if is_deaf.load(Ordering::SeqCst)
                || to_client.write_all(&buffer[..count]).await.is_err()
            {
                return;
            }
        }
    };
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}
