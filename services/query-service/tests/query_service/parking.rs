//! Parked projections: what parks them, how they are shown, and how they resume; on both engines.

use contract::query::{
    CategoryQueryRequest, ListProjectionsRequest, OrderQueryRequest, ParkedEvent,
    ProductQueryRequest, Projection, ProjectionState, ShowProjectionRequest,
    ShowProjectionResponse,
};
use domain::order::Order;
use domain::product::Product;
use event_sourcing::projection::control::{ProjectionResumed, ProjectionSkipped};
use event_sourcing::projection::{Actor, ControlEvent, ProjectionControl};
use event_sourcing::testing::{at as moment, given_log};
use event_sourcing::{Aggregate, DomainEvent, EncodedEvent, Position};
use query_service::projections::{Categories, Orders, Products, Sagas};
use tokio::time::Instant;
use tonic::Code;

use crate::order_events::O;
use crate::support::{
    Events, LIMIT, Service, TestService, at, category, position, product, product_updated,
};

fn unknown(stream: event_sourcing::StreamId) -> Events {
    let event = EncodedEvent {
        event_type: "OfNextYear",
        schema_version: 1,
        data: "{}".to_owned(),
    };
    (stream, vec![event])
}

fn decided(projection: &str, event: &ControlEvent) -> Events {
    (ProjectionControl::stream(projection), vec![event.encode()])
}

fn grace() -> Actor {
    Actor {
        id: "grace".to_owned(),
        reason: "it is time".to_owned(),
    }
}

fn resumed(projection: &str) -> Events {
    let event = ControlEvent::Resumed(ProjectionResumed {
        projection: projection.to_owned(),
        actor: grace(),
    });
    decided(projection, &event)
}

pub fn skipped(projection: &str, position: u64) -> Events {
    let event = ControlEvent::Skipped(ProjectionSkipped {
        projection: projection.to_owned(),
        position: Position(position),
        actor: grace(),
    });
    decided(projection, &event)
}

impl Service {
    async fn list(&self) -> Vec<Projection> {
        let mut client = self.projections.clone();
        let reply = client.list_projections(ListProjectionsRequest {}).await;
        reply.expect("a list").into_inner().projections
    }

    async fn show(&self, name: &str) -> ShowProjectionResponse {
        let mut client = self.projections.clone();
        let name = name.to_owned();
        let reply = client.show_projection(ShowProjectionRequest { name }).await;
        reply.expect("a projection").into_inner()
    }

    /// Waits until the projection satisfies `fact`.
    async fn until(&self, name: &str, fact: impl Fn(&Projection) -> bool) -> Projection {
        let deadline = Instant::now() + LIMIT;
        loop {
            let shown = self.show(name).await.projection.expect("a projection");
            if fact(&shown) {
                return shown;
            }
            assert!(Instant::now() < deadline, "not in time: {shown:?}");
            tokio::task::yield_now().await;
        }
    }

    async fn parked(&self, name: &str) -> ParkedEvent {
        let is_parked = |shown: &Projection| shown.state() == ProjectionState::Parked;
        let shown = self.until(name, is_parked).await;
        shown.parked.expect("the event")
    }

    pub async fn follows(&self, name: &str, head: u64) {
        let head = i64::try_from(head).expect("a position");
        self.until(name, |shown| {
            shown.state() == ProjectionState::Following && shown.position >= head
        })
        .await;
    }
}

#[tokio::test]
async fn an_unreadable_event_parks_the_projections_that_it_concerns() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let good = world.append(vec![product("p", "P", "1", None)]).await;
        let cached = ProductQueryRequest { id: "p".to_owned() };
        let reply = service.products.get_product(at(good, cached.clone())).await;
        reply.expect("found");

        world
            .log
            .damage(Position(good + 1), "its time cannot be read");
        let none = [None, None];
        world
            .append(vec![product_updated("p", "Q", None, "1", none)])
            .await;
        let head = world.append(vec![category("c", "C"), O.created()]).await;
        let of = CategoryQueryRequest { id: "c".to_owned() };
        let reply = service.categories.get_category(at(head, of)).await;
        assert_eq!(position(&reply.expect("found")), head);
        let of = OrderQueryRequest { id: "o".to_owned() };
        let reply = service.orders.get_order(at(head, of)).await;
        assert_eq!(position(&reply.expect("found")), head);

        let event = service.parked("products").await;
        let at_position = |position: u64| i64::try_from(position).expect("a position");
        assert_eq!(event.position, at_position(good + 1));
        assert_eq!(event.reason, "its time cannot be read");
        assert_eq!(
            (event.event_type.as_str(), event.version),
            ("ProductUpdated", 2)
        );
        assert_eq!(
            (event.stream_type.as_str(), event.stream_id.as_str()),
            ("product", "p")
        );
        assert_eq!(
            (event.schema_version, event.recorded_at_micros),
            (None, None)
        );
        let list = service.list().await;
        let names: Vec<_> = list.iter().map(|shown| shown.name.as_str()).collect();
        assert_eq!(names, ["categories", "products", "orders", "sagas"]);
        let products = &list[1];
        assert_eq!((products.schema_version, products.generation), (3, 1));
        assert_eq!(products.position, at_position(good));
        assert_eq!(
            (products.head, products.lag),
            (at_position(head), at_position(head - good))
        );
        // Rows that were folded before are still served.
        let reply = service.products.get_product(at(good, cached)).await;
        let found = reply.expect("found").into_inner();
        assert_eq!(found.product.expect("a product").name, "P");

        // A binary that can decode the event resumes at its start.
        service.stop().await;
        let service = world.start().await;
        service.parked("products").await;
        service.stop().await;
        world.log.repair(Position(good + 1));
        let service = world.start().await;
        service.follows("products", head).await;
        service.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_event_of_an_order_parks_the_orders_until_it_is_skipped() {
    let [sqlite, postgres] = TestService::both().await;
    for world in [&sqlite, &postgres] {
        let service = world.start().await;
        let at_position = world.append(vec![O.created()]).await + 1;
        world.append(vec![unknown(Order::stream("o"))]).await;
        let event = service.parked("orders").await;
        assert_eq!(event.event_type, "OfNextYear");
        assert!(event.reason.contains("OfNextYear"), "{}", event.reason);
        assert!(event.schema_version.is_some() && event.recorded_at_micros.is_some());
        service.follows("sagas", at_position).await;

        // A resume retries the event, which fails again.
        world.append(vec![resumed("orders")]).await;
        service.parked("orders").await;
        // Another projection's decision does not concern it.
        world.append(vec![skipped("products", at_position)]).await;
        service.parked("orders").await;
        let head = world.append(vec![skipped("orders", at_position)]).await;
        service.follows("orders", head).await;

        let decisions = service.show("orders").await.decisions;
        let [first, second] = decisions.as_slice() else {
            panic!("two decisions, not {decisions:?}");
        };
        assert_eq!(first.skipped_position, None);
        assert_eq!(second.skipped_position, i64::try_from(at_position).ok());
        for decision in &decisions {
            assert_eq!(
                (decision.who.as_str(), decision.reason.as_str()),
                ("grace", "it is time")
            );
            assert!(decision.at_micros > moment(0).timestamp_micros());
        }
        assert!(first.position < second.position);
        service.stop().await;
    }
}

#[tokio::test]
async fn an_unknown_projection_is_not_found() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let name = "carts".to_owned();
    let reply = service
        .projections
        .show_projection(ShowProjectionRequest { name })
        .await;
    assert_eq!(reply.expect_err("unknown").code(), Code::NotFound);
    service.stop().await;
}

#[test]
fn every_projection_parks_on_an_unknown_event_type_in_each_of_its_streams() {
    const ORDER_SAGA: &str = "order_saga";
    const CANCEL_SAGA: &str = "cancel_order_saga";
    let log = |stream_type| {
        let (stream, events) = unknown(event_sourcing::StreamId::new(stream_type, "1"));
        given_log().with_encoded(stream, events[0].clone())
    };
    let parks = |stream_type| {
        [
            log(stream_type)
                .when_projected::<Categories>()
                .parked
                .is_some(),
            log(stream_type)
                .when_projected::<Products>()
                .parked
                .is_some(),
            log(stream_type).when_projected::<Orders>().parked.is_some(),
            log(stream_type).when_projected::<Sagas>().parked.is_some(),
        ]
    };
    for (stream_type, expected) in [
        ("category", [true, false, false, false]),
        ("category_membership", [true, false, false, false]),
        ("category_name", [false; 4]),
        (Product::TYPE, [false, true, false, false]),
        ("stock", [false, true, false, false]),
        (Order::TYPE, [false, false, true, false]),
        (ORDER_SAGA, [false, false, true, true]),
        (CANCEL_SAGA, [false, false, true, true]),
        (ProjectionControl::TYPE, [false; 4]),
    ] {
        assert_eq!(parks(stream_type), expected, "{stream_type}");
    }
}
