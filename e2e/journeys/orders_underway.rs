//! Orders that are read and cancelled while a provider is slow.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::support::{SHIP_ORDER, Session, Shop, Topology, of, on_with};

/// Long enough for a client to read and cancel an order while the payment is in flight.
const SETTINGS: &[(&str, &str)] = &[("PAYMENTS_URL", "simulated://?latency_ms=6000")];

#[tokio::test]
async fn orders_underway_on_sqlite() -> Result<()> {
    on_with(Topology::OneProcess, SETTINGS, journey).await
}

#[tokio::test]
async fn orders_underway_on_postgres() -> Result<()> {
    on_with(Topology::THREE_PROCESSES, SETTINGS, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    let input = json!({ "name": "Pot", "price": 10, "stockQuantity": 10 });
    let pot = session.create_product(input).await?;
    let kept = session.place_order("ann", &[(&pot, 2)]).await?;
    let given_up = session.place_order("ann", &[(&pot, 3)]).await?;
    for id in [&kept, &given_up] {
        is_paying(&mut session, id).await?;
    }
    assert_eq!(
        session.stock(&pot).await?,
        [5, 10, 5],
        "both hold their stock"
    );
    session
        .expect_rejection("CONFLICT", SHIP_ORDER, json!({ "id": kept }))
        .await?;

    session.cancel_order(&given_up, "too slow").await?;
    session.cancel_order(&given_up, "still too slow").await?;
    let order = session.order_once(&given_up, "CANCELLED").await?;
    let saga = of(&order, "sagaState")?;
    assert_eq!(
        of(saga, "type")?,
        "order",
        "the order's own saga compensated: {saga}"
    );
    assert_eq!(of(saga, "status")?, "COMPENSATED");
    // The payment was in flight, so it was completed first and then refunded.
    let taken = json!(["reserve_inventory", "process_payment"]);
    assert_eq!(of(saga, "completedSteps")?, &taken);
    let given_back = json!(["process_payment", "reserve_inventory"]);
    assert_eq!(of(saga, "compensatedSteps")?, &given_back);
    assert_eq!(of(saga, "failureReason")?, "cancelled: too slow");

    let order = session.order_once(&kept, "CONFIRMED").await?;
    let saga = of(&order, "sagaState")?;
    ensure!(of(saga, "failureReason")?.is_null(), "{saga}");
    assert_eq!(session.stock(&pot).await?, [8, 10, 2]);
    Ok(())
}

/// Waits until an order's saga waits for the payment, and checks the order's status then.
async fn is_paying(session: &mut Session, id: &str) -> Result<()> {
    let at_payment = |saga: &Value| {
        let step = saga.get("currentStep");
        step.is_some_and(|step| step == "process_payment")
    };
    let order = session.order_when(id, at_payment).await?;
    assert_eq!(of(&order, "status")?, "PROCESSING");
    let saga = of(&order, "sagaState")?;
    assert_eq!(of(saga, "state")?, "running");
    assert_eq!(of(saga, "completedSteps")?, &json!(["reserve_inventory"]));
    ensure!(of(saga, "completedAt")?.is_null(), "{saga}");
    Ok(())
}
