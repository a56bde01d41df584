//! The principal of a command is in the metadata of its events.

use anyhow::{Result, ensure};
use event_sourcing::Envelope;
use serde_json::json;
use test_tokens::Secrets;

use super::authorised::{CANCEL, Client, PLACE};
use crate::test_gateway::{TestGateway, graphql, text};

/// The users of the first event of each of these types.
fn users<const N: usize>(events: &[Envelope], types: [&str; N]) -> [Option<String>; N] {
    types.map(|it| {
        let event = events.iter().find(|event| event.event_type == it);
        event.and_then(|event| event.metadata.user_id.clone())
    })
}

#[tokio::test]
async fn events_record_who_did_it_and_not_whom_a_header_names() -> Result<()> {
    let secrets = Secrets::create()?;
    let gateway = TestGateway::open_secured(&secrets, &[]).await?;
    let admin = Client::admin(&gateway, &secrets);
    let product = admin.product().await?;
    let customer = Client::customer(&gateway, &secrets, "\u{e5}sa");
    let forged = |query, variables| graphql(query, &variables).with_header("x-user-id", "mallory");
    let place = forged(PLACE, json!({"v": customer.order(&product)}));
    let placed = customer.send(place).await?.json()?;
    let order = text(&placed["data"]["createOrder"]["id"])?;
    let cancel = forged(CANCEL, json!({"v": {"orderId": order}}));
    let cancelled = customer.send(cancel).await?.json()?;
    assert_eq!(cancelled["data"]["cancelOrder"], true, "{cancelled}");

    let types = [
        "ProductCreated",
        "OrderCreated",
        "OrderCancellationRequested",
    ];
    let events = gateway.events().await?;
    let expected = ["keeper", "\u{e5}sa", "\u{e5}sa"].map(|user| Some(user.to_owned()));
    assert_eq!(users(&events, types), expected);
    let requested = events.iter().find(|it| it.event_type == types[2]);
    ensure!(requested.is_some_and(|it| it.data.contains("\u{e5}sa")));
    ensure!(!format!("{events:?}").contains("mallory"), "{events:?}");
    Ok(())
}
