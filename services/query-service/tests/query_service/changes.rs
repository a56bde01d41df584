//! Streams of changes: what they report, when, and how they resume and end; on both engines.

use contract::query::change::Row;
use contract::query::{
    Change, ChangeKind, FollowChangesRequest, FollowChangesResponse, ProductQueryRequest,
};
use contract::status::Reason;
use domain::product::Product;
use event_sourcing::{Aggregate, EncodedEvent, Position};
use sagas::event::ResumeKind;
use tonic::{Code, Request, Status, Streaming};

use crate::order_events::{O, S};
use crate::parking::skipped;
use crate::support::{
    LIMIT, Service, TestService, category, category_deleted, product, product_deleted,
    product_updated, stock, stock_closed,
};

use ChangeKind::{
    CategoryCreated, CategoryDeleted, CategoryUpdated, OrderUpdated, ProductCreated,
    ProductDeleted, ProductUpdated, StockUpdated,
};

/// A stream that a test reads.
struct Followed(Streaming<FollowChangesResponse>);

fn request(kinds: &[ChangeKind], after: u64) -> FollowChangesRequest {
    FollowChangesRequest {
        after: Some(after),
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        ids: Vec::new(),
        without_rows: false,
    }
}

impl Service {
    async fn follow(&self, request: FollowChangesRequest) -> Result<Followed, Status> {
        let stream = self.changes.clone().follow_changes(request).await?;
        Ok(Followed(stream.into_inner()))
    }

    async fn changes(&self, kinds: &[ChangeKind], after: u64) -> Followed {
        let followed = self.follow(request(kinds, after)).await;
        followed.expect("a stream")
    }
}

impl Followed {
    async fn message(&mut self) -> Result<FollowChangesResponse, Status> {
        let message = tokio::time::timeout(LIMIT, self.0.message()).await;
        Ok(message.expect("a message in time")?.expect("no end"))
    }

    /// The next change and its position.
    async fn change(&mut self) -> (u64, Change) {
        loop {
            let message = self.message().await.expect("a message");
            if let Some(change) = message.change {
                return (message.position, change);
            }
        }
    }

    /// The changes up to a position, as kinds and ids.
    async fn up_to(&mut self, position: u64) -> Vec<(u64, ChangeKind, String)> {
        let mut changes = Vec::new();
        loop {
            let message = self.message().await.expect("a message");
            if let Some(change) = message.change {
                changes.push((message.position, change.kind(), change.id));
            }
            if message.position >= position {
                return changes;
            }
        }
    }

    async fn end(&mut self) -> Status {
        loop {
            match self.message().await {
                Ok(message) => assert_eq!(message.change, None),
                Err(status) => return status,
            }
        }
    }
}

fn price(change: &Change) -> Option<&str> {
    match change.row.as_ref()? {
        Row::Product(product) => Some(&product.price_decimal),
        Row::Category(_) | Row::Order(_) => panic!("not a product: {change:?}"),
    }
}

#[tokio::test]
async fn each_matching_event_is_one_message_with_the_row_as_it_is_now() {
    for world in TestService::both().await {
        let created = world.append(vec![product("p", "P", "1", None)]).await;
        let other = world.append(vec![product("q", "Q", "1", None)]).await;
        let update = |price| product_updated("p", "P", None, price, [None, None]);
        let first = world.append(vec![update("2")]).await;
        let second = world.append(vec![update("3")]).await;
        world
            .append(vec![product_deleted("q", None), stock_closed("q")])
            .await;
        let service = world.start().await;

        let kinds = [ProductCreated, ProductUpdated];
        let mut followed = service.changes(&kinds, 0).await;
        let start = followed.message().await.expect("a message");
        assert_eq!((start.position, start.change), (0, None));
        let mut changes = Vec::new();
        for _ in 0..4 {
            let (position, change) = followed.change().await;
            let price = price(&change).map(str::to_owned);
            changes.push((position, change.kind(), change.id, price));
        }
        let now = |text: &str| Some(text.to_owned());
        assert_eq!(
            changes,
            [
                (created, ProductCreated, "p".to_owned(), now("3.00")),
                (other, ProductCreated, "q".to_owned(), None),
                (first, ProductUpdated, "p".to_owned(), now("3.00")),
                (second, ProductUpdated, "p".to_owned(), now("3.00")),
            ],
            "a row that is deleted by now is absent"
        );
        let third = world.append(vec![update("4")]).await;
        let (position, change) = followed.change().await;
        assert_eq!((position, price(&change)), (third, Some("4.00")));
        drop(followed);
        service.stop().await;
    }
}

#[tokio::test]
async fn kinds_and_ids_select_events() {
    for world in TestService::both().await {
        let a = world.append(vec![category("a", "A")]).await;
        let b = world.append(vec![category("b", "B")]).await;
        let gone = world.append(vec![category_deleted("a")]).await;
        let p = world
            .append(vec![product("p", "P", "1", None), stock("p", 5, 0)])
            .await;
        let set = world.append(vec![stock("p", 7, 1)]).await;
        let end = world
            .append(vec![product_deleted("p", None), stock_closed("p")])
            .await;
        let service = world.start().await;

        let all = [
            CategoryCreated,
            CategoryUpdated,
            CategoryDeleted,
            ProductCreated,
            ProductUpdated,
            ProductDeleted,
            StockUpdated,
            OrderUpdated,
        ];
        let id = |id: &str| id.to_owned();
        let everything = service.changes(&all, 0).await.up_to(end).await;
        let expected = [
            (a, CategoryCreated, id("a")),
            (b, CategoryCreated, id("b")),
            (gone, CategoryDeleted, id("a")),
            (p - 1, ProductCreated, id("p")),
            (p, StockUpdated, id("p")),
            (set, StockUpdated, id("p")),
            (end - 1, ProductDeleted, id("p")),
        ];
        assert_eq!(everything, expected);

        let mut of_a = request(&[CategoryCreated, CategoryDeleted], 0);
        of_a.ids = vec![id("a"), id("x")];
        let mut of_a = service.follow(of_a).await.expect("a stream");
        let expected = [
            (a, CategoryCreated, id("a")),
            (gone, CategoryDeleted, id("a")),
        ];
        assert_eq!(of_a.up_to(end).await, expected);
        let mut of_none = request(&[CategoryCreated], 0);
        of_none.ids = vec![id("not an id")];
        let mut of_none = service.follow(of_none).await.expect("a stream");
        assert_eq!(of_none.up_to(end).await, []);
        let after = service.changes(&[StockUpdated], p).await.up_to(end).await;
        assert_eq!(after, [(set, StockUpdated, id("p"))]);
        service.running.stop(LIMIT).await;
    }
}

#[tokio::test]
async fn an_order_changes_with_its_sagas() {
    for world in TestService::both().await {
        let service = world.start().await;
        let mut followed = service.changes(&[OrderUpdated], 0).await;
        let events = [
            O.created(),
            S.started(),
            S.step_started("process_payment", false, 1),
            S.step_completed("process_payment"),
            O.confirmed(),
            S.suspended("arrange_shipping"),
            S.resumed(ResumeKind::Resume),
            S.completed(),
        ];
        for event in events {
            let position = world.append(vec![event]).await;
            let (reported, change) = followed.change().await;
            assert_eq!((reported, change.id.as_str()), (position, O.id));
            assert!(matches!(change.row, Some(Row::Order(_))));
        }
        drop(followed);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_read_after_a_message_sees_at_least_that_state() {
    for world in TestService::both().await {
        let service = world.start().await;
        world.append(vec![product("p", "P", "1", None)]).await;
        let mut request = request(&[ProductUpdated], 0);
        request.without_rows = true;
        let mut followed = service.follow(request).await.expect("a stream");
        let writing = async {
            for cents in 1..=200 {
                let price = format!("{}.{:02}", cents / 100, cents % 100);
                let update = product_updated("p", "P", None, &price, [None, None]);
                world.append(vec![update]).await;
            }
        };
        let reading = async {
            for version in 2..=201 {
                let (_, change) = followed.change().await;
                assert_eq!(change.row, None);
                let id = ProductQueryRequest { id: "p".to_owned() };
                // Without a minimum position.
                let read = service.products.clone().get_product(Request::new(id)).await;
                let read = read.expect("read").into_inner().product.expect("a row");
                assert!(read.version >= version, "{} < {version}", read.version);
            }
        };
        tokio::join!(writing, reading);
        drop(followed);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_stream_resumes_at_any_query_service() {
    let world = TestService::postgres().await;
    let services = [world.start().await, world.start().await];
    let mut expected = Vec::new();
    let mut seen = Vec::new();
    let mut last = 0;
    for round in 0..6 {
        let mut followed = services[round % 2].changes(&[ProductCreated], last).await;
        for number in 0..20 {
            let id = format!("p{round}-{number}");
            let position = world.append(vec![product(&id, &id, "1", None)]).await;
            expected.push((position, id));
        }
        // The last ones of each round are left to the next stream.
        for _ in 0..15 {
            let (position, change) = followed.change().await;
            last = position;
            seen.push((position, change.id));
        }
    }
    let rest = services[0].changes(&[ProductCreated], last).await;
    let rest = { rest }.up_to(expected.last().expect("some").0).await;
    seen.extend(rest.into_iter().map(|(position, _, id)| (position, id)));
    assert_eq!(seen, expected, "nothing is missing and nothing comes twice");
    for service in services {
        service.stop().await;
    }
}

#[tokio::test]
async fn an_old_position_is_read_from_the_store() {
    let world = TestService::sqlite();
    let mut last = 0;
    for batch in 0..60 {
        let ids = (0..100).map(|number| format!("p{batch}-{number}"));
        let writes = ids.map(|id| product(&id, &id, "1", None)).collect();
        last = world.append(writes).await;
    }
    let service = world.start().await;
    let all = service
        .changes(&[ProductCreated], 0)
        .await
        .up_to(last)
        .await;
    let positions: Vec<u64> = all.iter().map(|(position, ..)| *position).collect();
    assert_eq!(positions, (1..=6_000).collect::<Vec<_>>());
    service.stop().await;
}

#[tokio::test]
async fn wrong_requests_are_rejected() {
    for world in TestService::both().await {
        let head = world.append(vec![category("a", "A")]).await;
        let service = world.start().await;
        let above = service.follow(request(&[ProductCreated], head + 1)).await;
        let above = above.err().expect("above the head");
        assert_eq!(Reason::of(&above), Some(Reason::PositionAboveHead));
        assert_eq!(above.code(), Code::InvalidArgument);

        let mut many = request(&[ProductCreated], 0);
        many.ids = vec!["x".to_owned(); 501];
        for (wrong, field) in [
            (request(&[], 0), "kinds"),
            (request(&[ChangeKind::Unspecified], 0), "kinds"),
            (request(&[ProductCreated], u64::MAX), "after"),
            (many, "ids"),
        ] {
            let status = service.follow(wrong).await.err().expect(field);
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().starts_with(field), "{status:?}");
        }
        service.stop().await;
    }
}

/// A subscriber that resumed after it, at a binary that can read it, would miss its change.
#[tokio::test]
async fn no_stream_passes_an_event_that_it_cannot_read_before_the_rows_do() {
    for world in TestService::both().await {
        let service = world.start().await;
        let unknown = EncodedEvent {
            event_type: "OfNextYear",
            schema_version: 1,
            data: "{}".to_owned(),
        };
        let unknown = world.append(vec![(Product::stream("p"), vec![unknown])]);
        let unknown = unknown.await;
        let damaged = unknown + 1;
        world
            .log
            .damage(Position(damaged), "its time cannot be read");
        let update = |price| product_updated("p", "P", None, price, [None, None]);
        world.append(vec![update("2")]).await;
        for (after, event) in [(0, unknown), (unknown, damaged)] {
            let mut followed = service.changes(&[ProductUpdated], after).await;
            let status = loop {
                match followed.message().await {
                    Ok(message) => assert!(message.position < event, "{message:?}"),
                    Err(status) => break status,
                }
            };
            assert_eq!(Reason::of(&status), Some(Reason::ReadSideStalled));
            world.append(vec![skipped("products", event)]).await;
        }
        let updated = world.append(vec![update("3")]).await;
        // The projection tries the events again when it sees the decisions.
        service.follows("products", updated).await;
        let mut followed = service.changes(&[ProductUpdated], 0).await;
        assert_eq!(followed.change().await.0, updated);
        drop(followed);
        service.stop().await;
    }
}

#[tokio::test]
async fn a_stream_ends_if_its_projection_is_parked_or_the_service_stops() {
    for world in TestService::both().await {
        let service = world.start().await;
        let mut products = service.changes(&[ProductCreated], 0).await;
        let mut categories = service.changes(&[CategoryCreated], 0).await;
        let unknown = EncodedEvent {
            event_type: "OfNextYear",
            schema_version: 1,
            data: "{}".to_owned(),
        };
        world
            .append(vec![(Product::stream("x"), vec![unknown])])
            .await;
        let status = products.end().await;
        assert_eq!(Reason::of(&status), Some(Reason::ReadSideStalled));

        let position = world.append(vec![category("a", "A")]).await;
        assert_eq!(categories.change().await.0, position, "others continue");
        let stopping = tokio::spawn(service.running.stop(LIMIT));
        assert_eq!(categories.end().await.code(), Code::Unavailable);
        stopping.await.expect("stopped");
    }
}
