//! A subscriber that reconnects when its gateway goes away, and only then.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use test_shop::{Socket, position};

const CREATED: &str = "subscription($after: String) { productCreated(after: $after) { id name } }";
const TIMEOUT: Duration = Duration::from_mins(2);

/// The messages until the last one, with how often the gateway closed the socket.
#[derive(Debug, Default)]
pub struct Followed {
    pub products: Vec<String>,
    pub closed: usize,
    position: u64,
}

/// Follows the products that are created, until one has the name `last`.
pub async fn follow(address: SocketAddr, last: &'static str) -> Result<Followed> {
    let mut followed = Followed::default();
    let following = async {
        while !followed.connection(address, last).await? {
            followed.closed += 1;
        }
        Ok::<_, anyhow::Error>(())
    };
    let result = tokio::time::timeout(TIMEOUT, following).await;
    result.context("a subscriber does not reach the end")??;
    Ok(followed)
}

impl Followed {
    /// Follows over one socket. Returns whether the last product was seen; otherwise the gateway has closed the socket with the
    /// code 1001, upon which clients reconnect.
    async fn connection(&mut self, address: SocketAddr, last: &str) -> Result<bool> {
        let mut socket = Socket::open(address).await?;
        let after = json!({ "after": self.position.to_string() });
        socket.subscribe("1", CREATED, &after).await?;
        loop {
            let payload = match socket.payload("1").await {
                Ok(payload) => payload,
                Err(end) => {
                    let end = format!("{end:#}");
                    ensure!(end.contains("code: Away"), "the socket ended: {end}");
                    return Ok(false);
                }
            };
            let position = position(&payload)?;
            ensure!(
                position > self.position,
                "{position} after {}",
                self.position
            );
            self.position = position;
            let product = &payload["data"]["productCreated"];
            let id = product["id"].as_str().context("no id")?;
            self.products.push(id.to_owned());
            if product["name"] == last {
                return Ok(true);
            }
        }
    }
}
