//! Orders from their creation to each final status.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::support::{
    CANCEL_ORDER, CREATE_ORDER, Database, SHIP_ORDER, Session, Shop, Topology, of, on_with,
    order_input, text,
};

/// Payments above this amount are declined.
const SETTINGS: &[(&str, &str)] = &[("PAYMENTS_URL", "simulated://?decline_over=100")];
const SAGA_STATUS: &str = "query($id: ID!) { sagaStatus(orderId: $id) { \
    sagaId type state currentStep completedSteps compensatedSteps error startedAt completedAt } }";
const SAGA_STATE: &str = "query($id: ID!) { sagaState(orderId: $id) { \
    type state status currentStep completedSteps compensatedSteps failureReason startedAt completedAt } }";
const DELIVER_ORDER: &str =
    "mutation($id: ID!) { deliverOrder(id: $id) { status trackingNumber } }";
const STEPS: [&str; 4] = [
    "reserve_inventory",
    "process_payment",
    "arrange_shipping",
    "confirm_order",
];

#[tokio::test]
async fn orders_reach_each_final_status_on_sqlite() -> Result<()> {
    on_with(Topology::OneProcess, SETTINGS, journey).await
}

#[tokio::test]
async fn orders_reach_each_final_status_on_postgres() -> Result<()> {
    on_with(Topology::THREE_PROCESSES, SETTINGS, journey).await
}

async fn journey(shop: &mut Shop) -> Result<()> {
    let mut session = shop.session()?;
    confirmed(shop, &mut session).await?;
    declined(&mut session).await?;
    short(&mut session).await?;
    cancelled_after_confirmation(&mut session).await?;
    shipped_and_delivered(&mut session).await?;
    deleted_under_its_order(&mut session).await
}

async fn product(session: &mut Session, name: &str, price: f64, stock: i64) -> Result<String> {
    let input = json!({ "name": name, "price": price, "stockQuantity": stock });
    session.create_product(input).await
}

async fn confirmed(shop: &Shop, session: &mut Session) -> Result<()> {
    let pot = product(session, "Pot", 19.9, 5).await?;
    let cup = product(session, "Cup", 4.25, 9).await?;
    let items = [(pot.as_str(), 2), (&cup, 3), (&pot, 1)];
    let placed = session
        .run(CREATE_ORDER, order_input("ann", &items))
        .await?;
    let expected = json!([
        { "productId": pot, "productName": "Pot", "quantity": 3, "price": 19.9, "subtotal": 59.7 },
        { "productId": cup, "productName": "Cup", "quantity": 3, "price": 4.25, "subtotal": 12.75 },
    ]);
    assert_eq!(
        of(&placed, "items")?,
        &expected,
        "repeated products are added up"
    );
    assert_eq!(of(&placed, "totalAmount")?, &json!(72.45));
    assert_eq!(
        of(&placed, "status")?,
        "PROCESSING",
        "the response does not wait for the saga"
    );
    assert_eq!(of(&placed, "version")?, 1);

    let id = text(&placed, "id")?;
    let order = session.order_once(id, "CONFIRMED").await?;
    ensure!(of(&order, "trackingNumber")?.is_string(), "{order}");
    assert_eq!(session.stock(&pot).await?, [2, 5, 3]);
    assert_eq!(session.stock(&cup).await?, [6, 9, 3]);
    let state = of(&order, "sagaState")?;
    assert_eq!(of(state, "type")?, "order");
    assert_eq!(of(state, "status")?, "COMPLETED");
    assert_eq!(of(state, "completedSteps")?, &json!(STEPS));
    ensure!(of(state, "currentStep")?.is_null(), "{state}");
    let direct = session.run(SAGA_STATE, json!({ "id": id })).await?;
    assert_eq!(&direct, state, "both queries return the same saga");
    times_are_real(shop, session, id).await
}

/// The times of a saga are those of its stored events.
async fn times_are_real(shop: &Shop, session: &mut Session, id: &str) -> Result<()> {
    let status = session.run(SAGA_STATUS, json!({ "id": id })).await?;
    let mut database = Database::events(shop.system.store()).await?;
    let events = database.times_of(text(&status, "sagaId")?).await?;
    database.close().await?;
    for (field, event) in [
        ("startedAt", "SagaStarted"),
        ("completedAt", "SagaCompleted"),
    ] {
        let of_event = events.iter().find(|(name, _)| name == event);
        let (_, at) = of_event.with_context(|| format!("no {event} in {events:?}"))?;
        // With the precision of the gateway.
        let shown = text(&status, field)?.trim_end_matches('Z');
        let stored = at.naive_utc().format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        ensure!(
            stored.starts_with(shown),
            "{field} is {shown}, {event} was at {stored}"
        );
    }
    Ok(())
}

/// Checks an order that its own saga has compensated, and returns the reason.
fn undone(order: &Value, completed: &[&str]) -> Result<String> {
    let saga = of(order, "sagaState")?;
    assert_eq!(of(saga, "type")?, "order");
    assert_eq!(of(saga, "status")?, "COMPENSATED");
    assert_eq!(of(saga, "completedSteps")?, &json!(completed), "{saga}");
    ensure!(of(saga, "completedAt")?.is_string(), "{saga}");
    Ok(text(saga, "failureReason")?.to_owned())
}

async fn declined(session: &mut Session) -> Result<()> {
    let lamp = product(session, "Lamp", 60.0, 5).await?;
    let id = session.place_order("bob", &[(&lamp, 2)]).await?;
    let order = session.order_once(&id, "CANCELLED").await?;
    let reason = undone(&order, &["reserve_inventory"])?;
    ensure!(reason.contains("120"), "the reason is {reason:?}");
    assert_eq!(session.stock(&lamp).await?, [5, 5, 0]);
    let status = session.run(SAGA_STATUS, json!({ "id": id })).await?;
    assert_eq!(of(&status, "error")?, &json!(reason));
    assert_eq!(of(&status, "state")?, "compensated");
    Ok(())
}

async fn short(session: &mut Session) -> Result<()> {
    let rare = product(session, "Rare", 1.0, 2).await?;
    let plenty = product(session, "Plenty", 1.0, 50).await?;
    let id = session
        .place_order("cid", &[(&plenty, 5), (&rare, 3)])
        .await?;
    let order = session.order_once(&id, "CANCELLED").await?;
    let reason = undone(&order, &[])?;
    ensure!(reason.contains(&rare), "the reason is {reason:?}");
    assert_eq!(session.stock(&plenty).await?, [50, 50, 0], "all or nothing");
    assert_eq!(session.stock(&rare).await?, [2, 2, 0]);
    // Cancelling a cancelled order changes nothing.
    session.cancel_order(&id, "too late").await?;
    assert_eq!(session.order(&id).await?, order);
    Ok(())
}

async fn cancelled_after_confirmation(session: &mut Session) -> Result<()> {
    let book = product(session, "Book", 10.0, 4).await?;
    let id = session.place_order("dan", &[(&book, 4)]).await?;
    session.order_once(&id, "CONFIRMED").await?;
    assert_eq!(session.stock(&book).await?, [0, 4, 4]);
    session.cancel_order(&id, "changed my mind").await?;
    let order = session.order_once(&id, "CANCELLED").await?;
    let saga = of(&order, "sagaState")?;
    assert_eq!(of(saga, "type")?, "cancel_order");
    assert_eq!(of(saga, "status")?, "COMPLETED");
    let steps = json!(["cancel_shipping", "refund_payment", "release_inventory"]);
    assert_eq!(of(saga, "completedSteps")?, &steps);
    assert_eq!(session.stock(&book).await?, [4, 4, 0]);
    for (document, variables) in [
        (SHIP_ORDER, json!({ "id": id })),
        (DELIVER_ORDER, json!({ "id": id })),
    ] {
        session
            .expect_rejection("CONFLICT", document, variables)
            .await?;
    }
    Ok(())
}

async fn shipped_and_delivered(session: &mut Session) -> Result<()> {
    let mug = product(session, "Mug", 8.0, 10).await?;
    let id = session.place_order("eve", &[(&mug, 4)]).await?;
    session.order_once(&id, "CONFIRMED").await?;
    session
        .expect_rejection("CONFLICT", DELIVER_ORDER, json!({ "id": id }))
        .await?;
    let shipped = session.run(SHIP_ORDER, json!({ "id": id })).await?;
    assert_eq!(shipped, json!({ "status": "SHIPPED" }));
    assert_eq!(
        session.stock(&mug).await?,
        [6, 6, 0],
        "the stock was deducted"
    );
    let cancel = json!({ "input": { "orderId": id } });
    session
        .expect_rejection("CONFLICT", CANCEL_ORDER, cancel.clone())
        .await?;
    let delivered = session.run(DELIVER_ORDER, json!({ "id": id })).await?;
    assert_eq!(of(&delivered, "status")?, "DELIVERED");
    ensure!(of(&delivered, "trackingNumber")?.is_string(), "{delivered}");
    session
        .expect_rejection("CONFLICT", CANCEL_ORDER, cancel)
        .await?;
    // Repeating an irreversible command is accepted and has no effect.
    session.run(DELIVER_ORDER, json!({ "id": id })).await?;
    session
        .expect_rejection("CONFLICT", SHIP_ORDER, json!({ "id": id }))
        .await?;
    assert_eq!(session.stock(&mug).await?, [6, 6, 0]);
    assert_eq!(of(&session.order(&id).await?, "status")?, "DELIVERED");
    Ok(())
}

/// A product can be deleted while an order holds its stock; the order is still fulfilled.
async fn deleted_under_its_order(session: &mut Session) -> Result<()> {
    let last = product(session, "Last", 3.0, 1).await?;
    let id = session.place_order("fay", &[(&last, 1)]).await?;
    session.order_once(&id, "CONFIRMED").await?;
    let delete = "mutation($id: ID!) { deleteProduct(id: $id) }";
    session.run(delete, json!({ "id": last })).await?;
    session.run(SHIP_ORDER, json!({ "id": id })).await?;
    let again = order_input("fay", &[(&last, 1)]);
    session
        .expect_rejection("VALIDATION_ERROR", CREATE_ORDER, again)
        .await?;
    Ok(())
}
