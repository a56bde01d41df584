//! Calls with authentication: who may call which method, and what is recorded.

use std::sync::Arc;

use chrono::TimeDelta;
use command_service::Config;
use contract::metadata;
use contract::proto::{
    CategoryUpParam, IdempotencyBeginParam, IdempotencyFinishParam, IdempotencyRenewParam,
    OrderCancelParam, OrderItem, OrderUpParam, OrderUpResult, ProductUpParam, StartOrderSagaParam,
};
use event_sourcing::clock::ManualClock;
use event_sourcing::{Clock, Filter, Position, SystemClock};
use http::uri::PathAndQuery;
use platform::Settings;
use platform::config::Engine;
use test_tokens::{Secrets, Token};
use tonic::client::Grpc;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_prost::ProstCodec;

use crate::support::{Home, Service, named_category, named_product};

/// What customers may call; of what is theirs.
const FOR_CUSTOMERS: [&str; 5] = [
    "/proto.Idempotency/Begin",
    "/proto.Idempotency/Finish",
    "/proto.Idempotency/Renew",
    "/proto.OrderCommand/Cancel",
    "/proto.SagaCommand/StartOrderSaga",
];
/// What needs no token of a client.
const FOR_ANYONE: &str = "/proto.Admin/Status";

/// A write side that accepts signed calls alone.
struct Secured {
    service: Service,
    secrets: Secrets,
    clock: Arc<ManualClock>,
    _home: Home,
}

impl Secured {
    async fn start() -> Self {
        let secrets = Secrets::create().expect("secrets");
        let settings = Settings::from_environment(secrets.service_settings());
        let own = settings.read(Config::read).expect("a configuration");
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let home = Home::new(Engine::Sqlite).await;
        let service = home.start_as(&own, Arc::clone(&clock) as Arc<_>).await;
        Self {
            service,
            secrets,
            clock,
            _home: home,
        }
    }

    /// Calls a method with an empty message.
    async fn call(&self, path: &str, authorization: Option<&str>) -> Result<(), Status> {
        let mut client = Grpc::new(self.service.channel.clone());
        client.ready().await.expect("a connection");
        let path = PathAndQuery::try_from(path).expect("a path");
        let request = signed((), authorization);
        let reply = client.unary(request, path, ProstCodec::<(), ()>::default());
        reply.await.map(|_: Response<()>| ())
    }

    fn request<M>(&self, message: M, subject: &str, role: &str) -> Request<M> {
        let signature = self.secrets.signature(subject, &[role]);
        signed(message, Some(&signature))
    }

    async fn product(&self) -> String {
        let param = ProductUpParam {
            stock_quantity: Some(5),
            ..named_product("Tea")
        };
        let create = self.request(param, "keeper", "admin");
        let created = self.service.products.clone().create(create).await;
        let product = created.expect("a reply").into_inner().product;
        product.expect("a product").id
    }

    async fn place(&self, customer: &str, as_who: (&str, &str)) -> Result<String, Status> {
        let param = StartOrderSagaParam {
            customer_id: customer.to_owned(),
            items: vec![OrderItem {
                product_id: self.product().await,
                quantity: 1,
                ..OrderItem::default()
            }],
            ..StartOrderSagaParam::default()
        };
        let request = self.request(param, as_who.0, as_who.1);
        let reply = self.service.sagas.clone().start_order_saga(request).await?;
        Ok(reply.into_inner().order.expect("an order").id)
    }

    async fn cancel(&self, id: &str, subject: &str) -> OrderUpResult {
        let param = OrderCancelParam {
            id: id.to_owned(),
            reason: None,
        };
        let request = self.request(param, subject, "customer");
        let reply = self.service.orders.clone().cancel(request).await;
        reply.expect("a reply").into_inner()
    }
}

fn signed<M>(message: M, authorization: Option<&str>) -> Request<M> {
    let mut request = Request::new(message);
    if let Some(value) = authorization {
        metadata::insert(request.metadata_mut(), "authorization", value);
    }
    request
}

#[track_caller]
fn assert_denied(result: Result<(), Status>, code: Code, what: &str) {
    let status = result.expect_err(what);
    assert_eq!(status.code(), code, "{what}: {status}");
}

#[tokio::test]
async fn a_call_without_a_valid_signature_is_refused() {
    let secured = Secured::start().await;
    let (secrets, hour) = (&secured.secrets, TimeDelta::hours(1));
    let now = secured.clock.now();
    let call = Token::of_call("keeper", &["admin"]);
    let bearer = |token: String| Some(format!("Bearer {token}"));
    let expired = call.clone().valid(now - hour, now - TimeDelta::minutes(1));
    let early = call.clone().valid(now + TimeDelta::minutes(1), now + hour);
    for (what, authorization) in [
        ("missing", None),
        ("no token", Some("Basic YTpi".to_owned())),
        ("malformed", bearer("a.b.c".to_owned())),
        (
            "foreign",
            bearer(call.signed_with("the secret of another system's services")),
        ),
        ("expired", Some(secrets.signature_of(&expired))),
        ("early", Some(secrets.signature_of(&early))),
        (
            "a client's token",
            Some(secrets.authorization("keeper", &["admin"])),
        ),
        (
            "a client's claims",
            Some(secrets.signature_of(&Token::of("keeper", &["admin"]))),
        ),
    ] {
        for method in contract::methods("proto") {
            let called = secured.call(&method, authorization.as_deref()).await;
            assert_denied(called, Code::Unauthenticated, &format!("{what}: {method}"));
        }
    }
    let events = secured.service.events_after(0).await;
    assert_eq!(events, [""; 0]);
    let valid = secrets.signature("keeper", &["admin"]);
    let called = secured.call(FOR_ANYONE, Some(&valid)).await;
    called.expect("a valid signature");
    // What was accepted once is refused when it has expired.
    secured.clock.advance(TimeDelta::hours(2));
    let status = secured.call(FOR_ANYONE, Some(&valid)).await;
    let status = status.expect_err("expired");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("has expired"), "{status}");
    secured.service.stop().await;
}

#[tokio::test]
async fn each_method_is_for_those_that_its_access_states() {
    let secured = Secured::start().await;
    let signature = |subject: &str, roles: &[&str]| secured.secrets.signature(subject, roles);
    let anonymous = signature("anonymous", &[]);
    let without_role = signature("ada", &[]);
    let customer = signature("ada", &["customer"]);
    let mut denied = 0;
    for method in contract::methods("proto") {
        for (authorization, code, allowed) in [
            (&anonymous, Code::Unauthenticated, &[][..]),
            (&without_role, Code::PermissionDenied, &[]),
            (&customer, Code::PermissionDenied, &FOR_CUSTOMERS),
        ] {
            let called = secured.call(&method, Some(authorization)).await;
            if method == FOR_ANYONE {
                called.expect(&method);
            } else if !allowed.contains(&method.as_str()) {
                assert_denied(called, code, &method);
                denied += 1;
            }
        }
    }
    assert!(denied > 60, "{denied}");
    assert_eq!(secured.service.events_after(0).await, [""; 0]);

    // Administrators alone learn that a method does not exist.
    for path in ["/proto.Admin/Unknown", "/proto.Unknown/Create"] {
        let called = secured.call(path, Some(&customer)).await;
        assert_denied(called, Code::PermissionDenied, path);
        let called = secured.call(path, None).await;
        assert_denied(called, Code::Unauthenticated, path);
        let admin = signature("keeper", &["admin"]);
        let called = secured.call(path, Some(&admin)).await;
        assert_denied(called, Code::Unimplemented, path);
    }
    secured.service.stop().await;
}

#[tokio::test]
async fn health_needs_no_signature() {
    let secured = Secured::start().await;
    let mut health = HealthClient::new(secured.service.channel.clone());
    let reply = health.check(HealthCheckRequest::default()).await;
    reply.expect("an answer");
    secured.service.stop().await;
}

#[tokio::test]
async fn events_record_the_signed_principal() {
    let secured = Secured::start().await;
    let mut create = secured.request(named_category("Tea"), "\u{e5}sa", "admin");
    metadata::insert_user_id(create.metadata_mut(), "mallory");
    let created = secured.service.categories.clone().create(create).await;
    assert!(created.expect("a reply").into_inner().error.is_none());
    let log = secured.service.log();
    let page = log.read_all(Position::START, &Filter::ALL, 10).await;
    let page = page.expect("a page");
    let users: Vec<_> = page
        .events()
        .map(|it| it.metadata.user_id.as_deref())
        .collect();
    assert!(!users.is_empty());
    assert!(users.iter().all(|it| *it == Some("\u{e5}sa")), "{users:?}");
    secured.service.stop().await;
}

#[tokio::test]
async fn a_customer_places_and_cancels_its_own_orders() {
    let secured = Secured::start().await;
    let (ada, bob) = (("ada", "customer"), ("bob", "customer"));
    let denied = secured.place("ada", bob).await.expect_err("another's");
    assert_eq!(denied.code(), Code::PermissionDenied);
    let own = secured.place("ada", ada).await.expect("an order");
    secured
        .place("ada", ("keeper", "admin"))
        .await
        .expect("an administrator places for everyone");

    let missing = "01a228df-0000-7000-8000-b079ee98cee0";
    let [foreign, absent] = [own.as_str(), missing].map(|id| secured.cancel(id, "bob"));
    let (foreign, absent) = (foreign.await, absent.await);
    let error = foreign.error.clone().expect("a rejection");
    assert_eq!((error.r#type.as_str(), error.code), ("NOT_FOUND", 5));
    let shown = |reply: &OrderUpResult, id: &str| {
        let mut reply = reply.clone();
        reply.timestamp = None;
        format!("{reply:?}").replace(id, "<id>")
    };
    assert_eq!(shown(&foreign, &own), shown(&absent, missing));
    let events = secured.service.events_after(0).await;
    let requested = "OrderCancellationRequested".to_owned();
    assert!(!events.contains(&requested), "{events:?}");

    let ship = OrderUpParam { id: own.clone() };
    let ship = secured.request(ship, "ada", "customer");
    let shipped = secured.service.orders.clone().ship(ship).await;
    assert_denied(shipped.map(drop), Code::PermissionDenied, "ship");
    let cancelled = secured.cancel(&own, "ada").await;
    assert_eq!(cancelled.error, None);
    assert!(secured.service.events_after(0).await.contains(&requested));
    secured.service.stop().await;
}

#[tokio::test]
async fn the_catalogue_is_for_administrators() {
    let secured = Secured::start().await;
    let id = secured.product().await;
    let delete = ProductUpParam {
        id,
        ..ProductUpParam::default()
    };
    let delete = secured.request(delete, "ada", "customer");
    let deleted = secured.service.products.clone().delete(delete).await;
    assert_denied(deleted.map(drop), Code::PermissionDenied, "delete");
    let rename = secured.request(CategoryUpParam::default(), "ada", "customer");
    let renamed = secured.service.categories.clone().update(rename).await;
    assert_denied(renamed.map(drop), Code::PermissionDenied, "rename");
    secured.service.stop().await;
}

#[tokio::test]
async fn a_key_is_of_the_signed_principal() {
    let secured = Secured::start().await;
    let token = "0123456789abcdef0123456789abcdef";
    let begin = |principal: &str| IdempotencyBeginParam {
        principal: principal.to_owned(),
        key: "k".to_owned(),
        request_hash: vec![7; 32],
        token: token.to_owned(),
    };
    let renew = |principal: &str| IdempotencyRenewParam {
        principal: principal.to_owned(),
        key: "k".to_owned(),
        token: token.to_owned(),
    };
    let finish = |principal: &str| IdempotencyFinishParam {
        principal: principal.to_owned(),
        key: "k".to_owned(),
        token: token.to_owned(),
        answer: Some("answer".into()),
    };
    let mut client = secured.service.idempotency.clone();
    for role in ["customer", "admin"] {
        for principal in ["bob", "anonymous", ""] {
            let request = secured.request(begin(principal), "ada", role);
            let answer = client.begin(request).await.map(drop);
            assert_denied(answer, Code::PermissionDenied, principal);
            let request = secured.request(renew(principal), "ada", role);
            let renewed = client.renew(request).await.map(drop);
            assert_denied(renewed, Code::PermissionDenied, principal);
            let request = secured.request(finish(principal), "ada", role);
            let finished = client.finish(request).await.map(drop);
            assert_denied(finished, Code::PermissionDenied, principal);
        }
    }
    let request = secured.request(begin("ada"), "ada", "customer");
    client.begin(request).await.expect("its own key");
    let request = secured.request(finish("ada"), "ada", "customer");
    let finished = client.finish(request).await.expect("its own key");
    assert!(finished.into_inner().kept);
    drop(client);
    secured.service.stop().await;
}
