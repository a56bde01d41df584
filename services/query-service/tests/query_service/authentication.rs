//! Calls with authentication: who may call which method, and whose orders are shown.

use std::sync::Arc;

use chrono::TimeDelta;
use contract::metadata;
use contract::query::{
    OrderConnectionRequest, OrderIdsRequest, OrderListRequest, OrderQueryRequest, PageSlice,
    SagaByOrderRequest, UserOrderListRequest,
};
use event_sourcing::clock::ManualClock;
use event_sourcing::{Clock, SystemClock};
use http::uri::PathAndQuery;
use platform::Settings;
use query_service::Config;
use test_tokens::{Secrets, Token};
use tonic::client::Grpc;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

use crate::order_events::{O, OrderOf, S, SagaOf};
use crate::support::{Service, TestService, at};

const FOR_CUSTOMERS: [&str; 6] = [
    "/query.OrderQuery/GetOrder",
    "/query.OrderQuery/GetOrders",
    "/query.OrderQuery/ListOrdersConnection",
    "/query.OrderQuery/ListUserOrders",
    "/query.SagaQuery/GetSagaByOrder",
    "/query.SagaQuery/GetSagasByOrders",
];

/// A read side that accepts signed calls alone.
struct Secured {
    world: TestService,
    service: Service,
    secrets: Secrets,
    clock: Arc<ManualClock>,
}

impl Secured {
    async fn start(mut world: TestService) -> Self {
        let secrets = Secrets::create().expect("secrets");
        let settings = Settings::from_environment(secrets.service_settings());
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        world.own = settings.read(Config::read).expect("a configuration");
        world.clock = Arc::clone(&clock) as Arc<_>;
        Self {
            service: world.start().await,
            world,
            secrets,
            clock,
        }
    }

    /// Calls a method with an empty message.
    async fn call(&self, path: &str, authorization: Option<&str>) -> Result<(), Status> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.service.address));
        let channel = endpoint.expect("an endpoint").connect().await;
        let mut client = Grpc::new(channel.expect("a connection"));
        client.ready().await.expect("a connection");
        let path = PathAndQuery::try_from(path).expect("a path");
        let request = signed(Request::new(()), authorization);
        let reply = client.unary(request, path, ProstCodec::<(), ()>::default());
        reply.await.map(|_: Response<()>| ())
    }

    /// A request of a customer, or of the administrator.
    fn of<M>(&self, subject: &str, head: u64, message: M) -> Request<M> {
        let role = if subject == "keeper" {
            "admin"
        } else {
            "customer"
        };
        let signature = self.secrets.signature(subject, &[role]);
        signed(at(head, message), Some(&signature))
    }
}

fn signed<M>(mut request: Request<M>, authorization: Option<&str>) -> Request<M> {
    if let Some(value) = authorization {
        metadata::insert(request.metadata_mut(), "authorization", value);
    }
    request
}

#[track_caller]
fn assert_denied<T>(result: Result<T, Status>, code: Code, what: &str) {
    let status = result.map(drop).expect_err(what);
    assert_eq!(status.code(), code, "{what}: {status}");
}

#[tokio::test]
async fn a_call_without_a_valid_signature_is_refused() {
    let secured = Secured::start(TestService::sqlite()).await;
    let (secrets, now) = (&secured.secrets, secured.clock.now());
    let call = Token::of_call("keeper", &["admin"]);
    let hour = TimeDelta::hours(1);
    let expired = call.clone().valid(now - hour, now - TimeDelta::minutes(1));
    let foreign = call.signed_with("the secret of another system's services");
    for (what, authorization) in [
        ("missing", None),
        ("malformed", Some("Bearer a.b.c".to_owned())),
        ("foreign", Some(format!("Bearer {foreign}"))),
        ("expired", Some(secrets.signature_of(&expired))),
        (
            "a client's token",
            Some(secrets.authorization("keeper", &["admin"])),
        ),
    ] {
        for method in contract::methods("query") {
            let called = secured.call(&method, authorization.as_deref()).await;
            assert_denied(called, Code::Unauthenticated, &format!("{what}: {method}"));
        }
    }
    let valid = secrets.signature("keeper", &["admin"]);
    let path = "/query.CategoryQuery/ListCategories";
    secured.call(path, Some(&valid)).await.expect("an answer");
    secured.clock.advance(TimeDelta::hours(2));
    let called = secured.call(path, Some(&valid)).await;
    assert_denied(called, Code::Unauthenticated, "expired since");
    let endpoint = Endpoint::from_shared(format!("http://{}", secured.service.address));
    let channel = endpoint.expect("an endpoint").connect().await;
    let mut health = HealthClient::new(channel.expect("a connection"));
    let checked = health.check(HealthCheckRequest::default()).await;
    checked.expect("health needs no signature");
    drop(health);
    secured.service.stop().await;
}

#[tokio::test]
async fn each_method_is_for_those_that_its_access_states() {
    let secured = Secured::start(TestService::sqlite()).await;
    let signature = |subject: &str, roles: &[&str]| secured.secrets.signature(subject, roles);
    let anonymous = signature("anonymous", &[]);
    let without_role = signature("ann", &[]);
    let customer = signature("ann", &["customer"]);
    let is_denied =
        |status: &Status| [Code::Unauthenticated, Code::PermissionDenied].contains(&status.code());
    for method in contract::methods("query") {
        let is_public = ["/query.CategoryQuery/", "/query.ProductQuery/"]
            .iter()
            .any(|service| method.starts_with(service));
        for (authorization, code, allowed) in [
            (&anonymous, Code::Unauthenticated, &[][..]),
            (&without_role, Code::PermissionDenied, &[]),
            (&customer, Code::PermissionDenied, &FOR_CUSTOMERS),
        ] {
            let called = secured.call(&method, Some(authorization)).await;
            if is_public {
                let denied = called.err().filter(is_denied);
                assert!(denied.is_none(), "{method}: {denied:?}");
            } else if !allowed.contains(&method.as_str()) {
                assert_denied(called, code, &method);
            }
        }
    }
    for path in ["/query.OrderQuery/Unknown", "/query.Unknown/Get"] {
        let called = secured.call(path, Some(&customer)).await;
        assert_denied(called, Code::PermissionDenied, path);
    }
    secured.service.stop().await;
}

/// A log with an order of ann and one of bob, each with its saga.
async fn with_two_orders(world: TestService) -> (Secured, u64) {
    let secured = Secured::start(world).await;
    let of_bob = OrderOf {
        id: "b",
        user: "bob",
    };
    let saga = SagaOf {
        id: "t",
        order: "b",
        ..S
    };
    let created = vec![O.created(), S.started(), of_bob.created(), saga.started()];
    let head = secured.world.append(created).await;
    (secured, head)
}

fn order(id: &str) -> OrderQueryRequest {
    OrderQueryRequest { id: id.to_owned() }
}

fn saga_of(id: &str) -> SagaByOrderRequest {
    SagaByOrderRequest {
        order_id: id.to_owned(),
    }
}

/// A status without what differs between any two.
fn shown(status: &Status) -> String {
    let mut status = status.clone();
    status.metadata_mut().remove("date");
    format!("{status:?}")
}

#[tokio::test]
async fn a_customer_finds_its_own_orders_by_id() {
    for world in TestService::both().await {
        let (secured, head) = with_two_orders(world).await;
        let (mut orders, mut sagas) = (
            secured.service.orders.clone(),
            secured.service.sagas.clone(),
        );
        for reader in ["ann", "keeper"] {
            let found = orders.get_order(secured.of(reader, head, order("o"))).await;
            let found = found.expect("found").into_inner().order.expect("set");
            assert_eq!(found.user_id, "ann");
            let found = sagas.get_saga_by_order(secured.of(reader, head, saga_of("o")));
            found.await.expect("found");
        }
        // Its order is in the cache by now.
        let [foreign, absent] = ["o", "x"].map(|id| secured.of("bob", head, order(id)));
        let foreign = orders.get_order(foreign).await.expect_err("foreign");
        let absent = orders.get_order(absent).await.expect_err("absent");
        assert_eq!(foreign.code(), Code::NotFound);
        assert_eq!(shown(&foreign), shown(&absent));
        let [foreign, absent] = ["o", "x"].map(|id| secured.of("bob", head, saga_of(id)));
        let foreign = sagas.get_saga_by_order(foreign).await.expect_err("foreign");
        let absent = sagas.get_saga_by_order(absent).await.expect_err("absent");
        assert_eq!(foreign.code(), Code::NotFound);
        assert_eq!(shown(&foreign), shown(&absent));

        for (reader, expected) in [
            ("ann", &["o"][..]),
            ("bob", &["b"]),
            ("keeper", &["b", "o"]),
        ] {
            let ids = || OrderIdsRequest {
                ids: ["o", "b", "x"].map(str::to_owned).into(),
            };
            let found = orders.get_orders(secured.of(reader, head, ids())).await;
            let found = found.expect("an answer").into_inner().orders;
            let mut found: Vec<_> = found.iter().map(|order| order.id.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{reader}");
            let found = sagas
                .get_sagas_by_orders(secured.of(reader, head, ids()))
                .await;
            let found = found.expect("an answer").into_inner().sagas;
            let mut found: Vec<_> = found.iter().map(|saga| saga.order_id.as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{reader}");
        }
        drop((orders, sagas));
        secured.service.stop().await;
    }
}

#[tokio::test]
async fn a_customer_lists_its_own_orders() {
    let (secured, head) = with_two_orders(TestService::sqlite()).await;
    let mut orders = secured.service.orders.clone();
    let of_user = |user: &str| UserOrderListRequest {
        user_id: user.to_owned(),
        ..UserOrderListRequest::default()
    };
    let connection = |user: Option<&str>| OrderConnectionRequest {
        user_id: user.map(str::to_owned),
        slice: Some(PageSlice {
            first: Some(5),
            ..PageSlice::default()
        }),
        ..OrderConnectionRequest::default()
    };
    for (reader, user, is_allowed) in [
        ("ann", "ann", true),
        ("keeper", "ann", true),
        ("bob", "ann", false),
        ("bob", "carl", false),
        ("Ann", "ann", false),
        ("ann", "ann ", false),
    ] {
        let listed = orders.list_user_orders(secured.of(reader, head, of_user(user)));
        let listed = listed.await.map(|list| list.into_inner().orders.len());
        let request = secured.of(reader, head, connection(Some(user)));
        let connected = orders.list_orders_connection(request).await;
        let connected = connected.map(|list| list.into_inner().edges.len());
        let what = format!("{reader} lists {user}");
        if is_allowed {
            assert_eq!((listed.expect(&what), connected.expect(&what)), (1, 1));
        } else {
            assert_denied(listed, Code::PermissionDenied, &what);
            assert_denied(connected, Code::PermissionDenied, &what);
        }
    }
    let all = orders.list_orders_connection(secured.of("ann", head, connection(None)));
    assert_denied(all.await, Code::PermissionDenied, "a connection of all");
    let all = orders.list_orders(secured.of("ann", head, OrderListRequest::default()));
    assert_denied(all.await, Code::PermissionDenied, "a list of all");
    let all = orders.list_orders(secured.of("keeper", head, OrderListRequest::default()));
    assert_eq!(all.await.expect("a list").into_inner().orders.len(), 2);
    drop(orders);
    secured.service.stop().await;
}
