//! A saga whose step keeps failing stays suspended until an operator acts, also across restarts.

use anyhow::{Context, Result, bail, ensure};
use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{ResolveSagaParam, SagaActionParam};
use serde_json::{Value, json};
use test_shop::{Store, until};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::support::{CANCEL_ORDER, Database, Session, Shop, Topology, of, on_with, text};

#[tokio::test]
async fn a_suspended_saga_waits_on_sqlite() -> Result<()> {
    with_mute_carrier(Topology::OneProcess).await
}

#[tokio::test]
async fn a_suspended_saga_waits_on_postgres() -> Result<()> {
    with_mute_carrier(Topology::THREE_PROCESSES).await
}

/// The carrier never responds, neither to a shipment nor to its cancellation, so the outcome stays unknown; retries are fast.
async fn with_mute_carrier(topology: Topology) -> Result<()> {
    let carrier = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", carrier.local_addr()?);
    let mut answering = JoinSet::new();
    answering.spawn(async move {
        while let Ok((mut connection, _)) = carrier.accept().await {
            // Accepts connections and closes them immediately.
            let _ = connection.read(&mut [0; 1_024]).await;
        }
    });
    let settings = [
        ("SHIPPING_URL", url.as_str()),
        ("SAGA_RETRY_MAX_MS", "100"),
        ("SAGA_LEASE_MS", "1000"),
    ];
    on_with(topology, &settings, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "name": "Pot", "price": 10, "stockQuantity": 10 });
    let pot = session.create_product(input).await?;
    let (first, first_saga, before) = suspended(&mut session, &pot).await?;
    let binary = match shop.system.store() {
        Store::Sqlite { .. } => "shop",
        Store::Postgres { .. } => "command-service",
    };
    shop.system.kill_one(binary, 0).await?;
    shop.system.start_again().await?;
    // Another order shows that sagas run again.
    let (second, second_saga, _) = suspended(&mut session, &pot).await?;
    assert_eq!(
        session.order(&first).await?,
        before,
        "the saga is still suspended"
    );
    assert_eq!(session.stock(&pot).await?, [6, 10, 4]);

    let mut sagas = SagaCommandClient::new(shop.command_channel().await?);
    let action = SagaActionParam {
        saga_id: first_saga.clone(),
        who: "eve".to_owned(),
        reason: "the carrier is back".to_owned(),
    };
    let reply = sagas.resume_saga(action).await?.into_inner();
    ensure!(reply.error.is_none(), "{reply:?}");
    // It is not: the saga uses its tries again, and is suspended again.
    happened(shop, &first_saga, "SagaSuspended", 2).await?;
    resolve(shop, &first_saga, false).await?;
    let order = session.order_once(&first, "CANCELLED").await?;
    let undone = ["arrange_shipping", "process_payment", "reserve_inventory"];
    let saga = of(&order, "sagaState")?;
    assert_eq!(of(saga, "compensatedSteps")?, &json!(undone));
    assert_eq!(session.stock(&pot).await?, [8, 10, 2]);

    resolve(shop, &second_saga, true).await?;
    let closed = |saga: &Value| saga.get("status").is_some_and(|status| status == "FAILED");
    let order = session.order_when(&second, closed).await?;
    assert_eq!(of(&order, "status")?, "FAILED", "permanently");
    let cancel = json!({ "input": { "orderId": second } });
    session
        .expect_rejection("CONFLICT", CANCEL_ORDER, cancel)
        .await?;
    Ok(())
}

/// Places an order, cancels it while its shipment is being arranged, and waits until its saga is suspended. Returns the
/// order's id, the saga's id, and the status of both.
async fn suspended(session: &mut Session, pot: &str) -> Result<(String, String, Value)> {
    let id = session.place_order("ann", &[(pot, 2)]).await?;
    let at_carrier = |saga: &Value| {
        let step = saga.get("currentStep");
        step.is_some_and(|step| step == "arrange_shipping")
    };
    session.order_when(&id, at_carrier).await?;
    session.cancel_order(&id, "too slow").await?;
    let order = session.order_once(&id, "FAILED").await?;
    assert_eq!(of(of(&order, "sagaState")?, "status")?, "SUSPENDED");
    let query = "query($id: ID!) { sagaStatus(orderId: $id) { sagaId state error } }";
    let status = session.run(query, json!({ "id": id })).await?;
    assert_eq!(of(&status, "state")?, "suspended");
    ensure!(of(&status, "error")?.is_string(), "{status}");
    Ok((id, text(&status, "sagaId")?.to_owned(), order))
}

async fn resolve(shop: &Shop, saga_id: &str, close: bool) -> Result<()> {
    let mut sagas = SagaCommandClient::new(shop.command_channel().await?);
    let param = ResolveSagaParam {
        saga_id: saga_id.to_owned(),
        who: "eve".to_owned(),
        reason: "called the carrier".to_owned(),
        close,
    };
    let reply = sagas.resolve_saga(param).await?.into_inner();
    if let Some(error) = reply.error {
        bail!("{error:?}");
    }
    reply.saga.context("no saga")?;
    Ok(())
}

/// Waits until a saga has `times` events of a type.
async fn happened(shop: &Shop, saga_id: &str, event: &str, times: usize) -> Result<()> {
    until(event, async || {
        let mut database = Database::events(shop.system.store()).await?;
        let events = database.times_of(saga_id).await?;
        database.close().await?;
        let seen = events.iter().filter(|(name, _)| name == event).count();
        ensure!(seen == times, "{seen} times in {events:?}");
        Ok(())
    })
    .await
}
