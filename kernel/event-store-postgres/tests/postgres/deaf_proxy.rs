//! A way to the server that can lose the server's answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// Forwards connections. Dropping it does not close those that are open.
pub struct DeafProxy {
    /// How to reach the database through it.
    pub url: String,
    loses_next: Arc<AtomicBool>,
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
            loses_next: Arc::default(),
        };
        let loses_next = Arc::clone(&proxy.loses_next);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, server.clone(), Arc::clone(&loses_next)));
            }
        });
        proxy
    }

    /// The answer to the next request on any connection is lost, and the connection with it.
    pub fn lose_next_answer(&self) {
        self.loses_next.store(true, Ordering::SeqCst);
    }
}

async fn forward(client: TcpStream, server: PgConnectOptions, loses_next: Arc<AtomicBool>) {
    if let Some(folder) = server.get_socket() {
        let socket = folder.join(format!(".s.PGSQL.{}", server.get_port()));
        let server = UnixStream::connect(socket).await.expect("the server");
        exchange(client, server.into_split(), &loses_next).await;
    } else {
        let address = (server.get_host(), server.get_port());
        let server = TcpStream::connect(address).await.expect("the server");
        exchange(client, server.into_split(), &loses_next).await;
    }
}

async fn exchange(
    client: TcpStream,
    (mut answers, mut requests): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    loses_next: &AtomicBool,
) {
    let (mut from_client, mut to_client) = client.into_split();
    let is_deaf = AtomicBool::new(false);
    let there = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            if loses_next.swap(false, Ordering::SeqCst) {
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
