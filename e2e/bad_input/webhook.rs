//! The webhook that Stripe calls: the request, its signature and its event.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::run::check_shop;
use super::table::{Answer, EntryPoint};
use super::text::Names;
use super::wire::{self, Parts};
use crate::support::{Shop, Topology, on_with};

pub const WEBHOOK: EntryPoint = EntryPoint {
    name: "webhook",
    files: &[include_str!("cases/webhook.toml")],
};

const SECRET: &str = "whsec_of_the_tables";
/// Where the table wants the signature of the body, with the time in the same header.
const SIGNATURE: &[u8] = b"<v1>";

/// Signs the body as Stripe does, and sends the request.
async fn send(address: SocketAddr, request: Vec<u8>) -> Result<Answer> {
    let request = signed(request)?;
    let bytes = Parts::of(&request).bytes(address);
    wire::send(address, &bytes).await?.answer()
}

fn signed(mut request: Vec<u8>) -> Result<Vec<u8>> {
    let place = request
        .windows(SIGNATURE.len())
        .position(|part| part == SIGNATURE);
    let Some(place) = place else {
        return Ok(request);
    };
    let parts = Parts::of(&request);
    let header = parts.header("stripe-signature").context("no signature")?;
    let (_, time) = header.split_once("t=").context("no time")?;
    let time = time.split(',').next().unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(&[time.as_bytes(), b".", parts.body].concat());
    let hex = |byte| format!("{byte:02x}");
    let signature: String = mac.finalize().into_bytes().into_iter().map(hex).collect();
    request.splice(place..place + SIGNATURE.len(), signature.into_bytes());
    Ok(request)
}

async fn check(shop: &mut Shop) -> Result<()> {
    let address = shop.system.command_metrics()?;
    check_shop(
        &WEBHOOK,
        &Names::default(),
        (&*shop).into(),
        async |request| send(address, request).await,
    )
    .await
}

const SETTINGS: [(&str, &str); 3] = [
    // Nothing listens there, and there is no order to be paid.
    ("PAYMENTS_URL", "stripe+http://127.0.0.1:9"),
    ("STRIPE_SECRET_KEY", "sk_test_of_the_tables"),
    ("STRIPE_WEBHOOK_SECRET", SECRET),
];

#[tokio::test]
async fn bad_webhooks_are_rejected_as_the_table_says_on_sqlite() -> Result<()> {
    on_with(Topology::OneProcess, &SETTINGS, check).await
}

#[tokio::test]
async fn bad_webhooks_are_rejected_as_the_table_says_on_postgres() -> Result<()> {
    on_with(Topology::THREE_PROCESSES, &SETTINGS, check).await
}
