//! Errors of requests about orders: invalid input, a wrong status, or a failing service.

use anyhow::Result;
use contract::business::{ErrorType, FieldError, validation_error};
use contract::proto::{Error, OrderStatus};
use contract::query::SagaStatus;
use serde_json::{Value, json};
use tonic::Status;

use super::fakes::{Fakes, order};
use super::test_gateway::Fault;

const CREATE: &str = "mutation($v: CreateOrderInput!) { createOrder(input: $v) { id } }";
const CANCEL: &str = "mutation($v: CancelOrderInput!) { cancelOrder(input: $v) }";
const SHIP: &str = "mutation { it: shipOrder(id: \"o1\") { id } }";
const DELIVER: &str = "mutation { it: deliverOrder(id: \"o1\") { id } }";
const TYPE: &str = "GRAPHQL_VALIDATION_FAILED";
const RULE: &str = "VALIDATION_ERROR";

fn input() -> Value {
    json!({"userId": "ann", "items": [{"productId": "pot", "quantity": 1}]})
}

fn with(pointer: &str, value: Value) -> Value {
    let mut input = input();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    input.pointer_mut(parent).expect("a place")[name] = value;
    input
}

#[tokio::test]
async fn every_rejection_has_its_code_on_every_mutation() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let fields = [FieldError {
        field: "items[0].quantity".to_owned(),
        message: "items[0].quantity must be 1 to 1000, got 0".to_owned(),
    }];
    let invalid = validation_error("items[0].quantity must be 1 to 1000, got 0", &fields);
    let unknown = Error {
        r#type: "NEW_KIND".to_owned(),
        ..ErrorType::Domain.error("what is it")
    };
    for (query, variables) in [
        (CREATE, input()),
        (CANCEL, json!({"orderId": "o1"})),
        (SHIP, json!(null)),
        (DELIVER, json!(null)),
    ] {
        for (rejection, code) in [
            (
                ErrorType::NotFound.error("order o1 does not exist"),
                "NOT_FOUND",
            ),
            (ErrorType::Conflict.error("the price is 20.00"), "CONFLICT"),
            (ErrorType::Domain.error("order o1 is DELIVERED"), "CONFLICT"),
            (invalid.clone(), RULE),
            (unknown.clone(), "INTERNAL_ERROR"),
        ] {
            let message = rejection.message.clone();
            fakes.lock().rejection = Some(rejection);
            let body = gateway.ask_after(query, json!({ "v": variables })).await?;
            let error = &body["errors"][0];
            assert_eq!(error["extensions"]["code"], code, "{query}: {body}");
            assert_eq!(body["data"], json!(null), "{query}: {body}");
            if code == "INTERNAL_ERROR" {
                assert!(!body.to_string().contains(&message), "{body}");
            } else {
                assert_eq!(error["message"], message.as_str());
            }
            if code == RULE {
                let wrong = &error["extensions"]["validationErrors"][0]["field"];
                assert_eq!(error["extensions"]["field"], "items[0].quantity");
                assert_eq!(wrong, "items[0].quantity");
            }
        }
    }
    assert_eq!(fakes.lock().position, 0);
    Ok(())
}

#[tokio::test]
async fn a_missing_entity_is_null_with_not_found() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    let lonely = order("o1", "ann", OrderStatus::Processing);
    fakes.lock().orders.insert("o1".to_owned(), lonely);
    let query =
        "{ order(id: \"x\") { id sagaState { state } } sagaStatus(orderId: \"x\") { sagaId }
        sagaState(orderId: \"x\") { state } there: order(id: \"o1\") { id sagaState { state } } }";
    let body = gateway.ask(query, json!({})).await?.json()?;
    let there = json!({"id": "o1", "sagaState": null});
    let expected = json!({"order": null, "sagaStatus": null, "sagaState": null, "there": there});
    assert_eq!(body["data"], expected);
    let errors = body["errors"].as_array().map_or(&[][..], Vec::as_slice);
    let mut paths: Vec<_> = errors
        .iter()
        .map(|error| {
            assert_eq!(error["extensions"]["code"], "NOT_FOUND", "{error}");
            error["path"][0].as_str().unwrap_or_default()
        })
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, ["order", "sagaState", "sagaStatus"]);
    Ok(())
}

#[tokio::test]
async fn invalid_arguments_cause_no_call() -> Result<()> {
    let (gateway, _fakes) = Fakes::open().await?;
    for (query, field) in [
        ("{ orders(limit: 0) { id } }", "limit"),
        ("{ orders(limit: 501) { id } }", "limit"),
        ("{ orders(offset: -1) { id } }", "offset"),
        ("{ userOrders(userId: \"a\", limit: -1) { id } }", "limit"),
        ("{ userOrders(userId: \"a\", offset: -5) { id } }", "offset"),
        ("{ userOrders(userId: \"\") { id } }", "userId"),
        ("{ userOrders(userId: \"a\\u0000\") { id } }", "userId"),
        ("{ order(id: \"a b\") { id } }", "id"),
        ("{ sagaState(orderId: \"a b\") { state } }", "orderId"),
        ("{ sagaStatus(orderId: \"\") { state } }", "orderId"),
    ] {
        let error = gateway.error(query, json!({})).await?;
        assert_eq!(error["code"], RULE, "{query}: {error}");
        assert_eq!(error["field"], field, "{query}: {error}");
    }
    for (query, input, field) in [
        (
            CREATE,
            with("shippingAddress", json!(null)),
            "shippingAddress",
        ),
        (CANCEL, json!({"orderId": "o1", "reason": null}), "reason"),
    ] {
        let error = gateway.error(query, json!({ "v": input })).await?;
        assert_eq!(error["code"], RULE, "{query}: {error}");
        assert_eq!(error["field"], field);
    }
    assert_eq!(gateway.wire.methods(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_wrong_type_anywhere_rejects_the_whole_request() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let first = "a: shipOrder(id: \"o1\") { id }";
    let create =
        format!("mutation($v: CreateOrderInput!) {{ {first} b: createOrder(input: $v) {{ id }} }}");
    let address = |value: Value| json!({"street": "s", "city": "c", "postalCode": value});
    for input in [
        with("/items/0/quantity", json!(2_147_483_648_i64)),
        with("/items/0/quantity", json!(1.5)),
        with("/items/0/quantity", json!("1")),
        with("/items/0/quantity", json!(null)),
        with("/items/0/productId", json!(true)),
        with("/items/0/price", json!(1)),
        with("items", json!([null])),
        with("items", json!("pot")),
        with("items", json!(null)),
        with("userId", json!(1.5)),
        with("userId", json!(null)),
        with("status", json!("PENDING")),
        with("shippingAddress", json!("here")),
        with("shippingAddress", address(json!(150))),
        with("shippingAddress", address(json!(null))),
        with("shippingAddress", json!({"street": "s", "city": "c"})),
    ] {
        let body = gateway.ask_after(&create, json!({ "v": input })).await?;
        let code = &body["errors"][0]["extensions"]["code"];
        assert_eq!(code, TYPE, "{input}: {body}");
        assert_eq!(body.get("data"), None, "{input}: {body}");
    }
    for query in [
        "{ orders(status: SENT) { id } }",
        "query($s: OrderStatus = SENT) { orders(status: $s) { id } }",
        "{ orders(status: 3) { id } }",
        "{ orders(limit: 2147483648) { id } }",
        "{ userOrders { id } }",
    ] {
        assert_eq!(
            gateway.error(query, json!({})).await?["code"],
            TYPE,
            "{query}"
        );
    }
    let query = "query($s: OrderStatus) { orders(status: $s) { id } }";
    for status in [
        json!("SENT"),
        json!("confirmed"),
        json!(3),
        json!(["A", "B"]),
    ] {
        let error = gateway.error(query, json!({ "s": status })).await?;
        assert_eq!(error["code"], TYPE, "{status}");
    }
    assert_eq!(fakes.lock().orders["o1"].status(), OrderStatus::Confirmed);
    assert_eq!(gateway.wire.methods(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_failing_service_is_reported_with_the_outcome() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    let ship = "/proto.OrderCommand/Ship";
    let lost = Fault::After(Status::unavailable("connection lost"));
    gateway.wire.break_next(ship, [lost]);
    // The retry finds a shipped order, because this fake does not recognise command ids as the real service does.
    let error = gateway.error(SHIP, json!({})).await?;
    assert_eq!(error["code"], "CONFLICT");
    let calls = gateway.wire.take();
    assert_eq!(calls.len(), 2);
    let id = |index: usize| calls[index].metadata.get("x-command-id");
    assert!(id(0).is_some() && id(0) == id(1));

    let down = || Fault::Before(Status::unavailable("10.1.2.3 refused"));
    let path = "/proto.SagaCommand/StartOrderSaga";
    gateway
        .wire
        .break_next(path, [down(), down(), down(), down()]);
    let error = gateway.error(CREATE, json!({ "v": input() })).await?;
    assert_eq!(error["code"], "SERVICE_UNAVAILABLE");
    assert_eq!(error["outcome"], "unknown");

    let saga = "/query.SagaQuery/GetSagasByOrders";
    let secret = Status::internal("the password is hunter2");
    gateway.wire.break_next(saga, [Fault::Before(secret)]);
    let query = "{ orders { id sagaState { state } } }";
    let body = gateway.ask(query, json!({})).await?.json()?;
    assert_eq!(
        body["data"],
        json!({"orders": [{"id": "o1", "sagaState": null}]})
    );
    let error = &body["errors"][0];
    assert_eq!(error["extensions"]["code"], "INTERNAL_ERROR");
    assert_eq!(error["path"], json!(["orders", 0, "sagaState"]));
    assert!(!body.to_string().contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn an_incomplete_reply_is_an_internal_error() -> Result<()> {
    let (gateway, fakes) = Fakes::open().await?;
    fakes.add("o1", OrderStatus::Unspecified, SagaStatus::Unspecified);
    let query = "{ order(id: \"o1\") { id } sagaState(orderId: \"o1\") { state } }";
    let body = gateway.ask(query, json!({})).await?.json()?;
    assert_eq!(body["data"], json!({"order": null, "sagaState": null}));
    for error in body["errors"].as_array().map_or(&[][..], Vec::as_slice) {
        assert_eq!(error["extensions"]["code"], "INTERNAL_ERROR");
    }
    fakes.add("o1", OrderStatus::Confirmed, SagaStatus::Completed);
    {
        let mut shared = fakes.lock();
        let order = shared.orders.get_mut("o1").expect("the order");
        order.items[0].unit_price_decimal = None;
    }
    let error = gateway.error(SHIP, json!({})).await?;
    assert_eq!(error["code"], "INTERNAL_ERROR");
    Ok(())
}
