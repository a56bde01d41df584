//! A provider of keys on this machine.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::routing::get;
use http::StatusCode;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// An `OpenID` provider. It serves its keys, or fails, and counts how often it was asked for them.
#[derive(Clone, Debug)]
pub struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// `None`: it fails.
    keys: Option<Vec<Value>>,
    reads: u32,
}

impl Provider {
    /// A provider on a free port that fails until [`publish`](Self::publish) is called.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let provider = Self {
            address: listener.local_addr()?,
            state: Arc::default(),
        };
        let (served, described) = (provider.clone(), provider.clone());
        let router = Router::new()
            .route("/keys", get(async move || served.read()))
            .route(
                "/{realm}/.well-known/openid-configuration",
                get(async move || described.configuration()),
            );
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(provider)
    }

    /// Its issuer, which its metadata states.
    #[must_use]
    pub fn issuer(&self) -> String {
        self.url("shop")
    }

    /// The URL of its keys.
    #[must_use]
    pub fn keys_url(&self) -> String {
        self.url("keys")
    }

    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// Serves these keys from now on.
    pub fn publish(&self, keys: impl IntoIterator<Item = Value>) {
        self.state.lock().keys = Some(keys.into_iter().collect());
    }

    /// Fails from now on.
    pub fn fail(&self) {
        self.state.lock().keys = None;
    }

    /// How often it was asked for its keys.
    #[must_use]
    pub fn reads(&self) -> u32 {
        self.state.lock().reads
    }

    fn read(&self) -> Result<String, StatusCode> {
        let mut state = self.state.lock();
        state.reads += 1;
        let keys = state.keys.as_ref().ok_or(StatusCode::BAD_GATEWAY)?;
        Ok(json!({ "keys": keys }).to_string())
    }

    fn configuration(&self) -> Result<String, StatusCode> {
        let state = self.state.lock();
        state.keys.as_ref().ok_or(StatusCode::BAD_GATEWAY)?;
        Ok(json!({"issuer": self.issuer(), "jwks_uri": self.keys_url()}).to_string())
    }
}
