//! A key belongs to the principal that sent it, on every gateway.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use test_shop::{Reply, Request};
use test_tokens::Secrets;

use super::authorised::{Client, PLACE};
use crate::test_gateway::{TestGateway, graphql, text};

fn keyed(client: &Client<'_>, product: &str) -> Request {
    let variables = json!({"v": client.order(product)});
    graphql(PLACE, &variables).with_header("idempotency-key", "k")
}

fn order(reply: &Reply) -> Result<String> {
    text(&reply.json()?["data"]["createOrder"]["id"])
}

#[tokio::test]
async fn two_principals_with_one_key_are_independent() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let product = Client::admin(&gateway, &secrets).product().await?;
    let mut orders = Vec::new();
    for subject in ["anna", "boris"] {
        let client = Client::customer(&gateway, &secrets, subject);
        let first = client.send(keyed(&client, &product)).await?;
        let again = client.send(keyed(&client, &product)).await?;
        assert_eq!(again.body, first.body);
        orders.push(order(&first)?);
    }
    ensure!(orders[0] != orders[1], "{orders:?}");

    // Neither does an equal request of another principal get the stored response, nor is it the same key.
    let query = "mutation { createCategory(input: {name: \"Tea\"}) { id } }";
    let request = || graphql(query, &json!({})).with_header("idempotency-key", "same");
    let [one, other] = ["keeper", "owner"].map(|it| Client::new(&gateway, &secrets, it, "admin"));
    let created = one.send(request()).await?.json()?;
    ensure!(
        created["data"]["createCategory"]["id"].is_string(),
        "{created}"
    );
    let rejected: Value = other.send(request()).await?.json()?;
    assert_eq!(rejected["errors"][0]["extensions"]["code"], "CONFLICT");
    Ok(())
}

#[tokio::test]
async fn another_gateway_returns_the_stored_response_to_its_principal_alone() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let product = Client::admin(&gateway, &secrets).product().await?;
    let replica = gateway.replica(&secrets.settings()).await?;
    let [here, there] = [&gateway, &replica].map(|it| Client::customer(it, &secrets, "anna"));
    let first = here.send(keyed(&here, &product)).await?;
    let again = there.send(keyed(&there, &product)).await?;
    assert_eq!(again.body, first.body);
    let position = "x-min-position";
    assert_eq!(again.header(position), first.header(position));
    assert_eq!(replica.wire.methods(), ["Begin"]);
    let other = Client::customer(&replica, &secrets, "boris");
    let own = other.send(keyed(&other, &product)).await?;
    ensure!(order(&own)? != order(&first)?);
    Ok(())
}
