//! Sagas over gRPC.

use contract::query::{
    OrderIdsRequest, Saga, SagaByOrderRequest, SagaListRequest, SagaListResponse, SagaStatus,
};
use tonic::{Code, Response, Status};

use crate::order_events::{C, O, S, SagaOf};
use crate::support::{Service, TestService, at, error_position, position};

async fn of_order(service: &mut Service, order: &str, head: u64) -> Result<Saga, Status> {
    let request = SagaByOrderRequest {
        order_id: order.to_owned(),
    };
    let reply = service.sagas.get_saga_by_order(at(head, request)).await?;
    assert!(position(&reply) >= head);
    Ok(reply.into_inner().saga.expect("set"))
}

fn ids(reply: Result<Response<SagaListResponse>, Status>) -> Vec<String> {
    let sagas = reply.expect("answered").into_inner().sagas;
    sagas.into_iter().map(|saga| saga.id).collect()
}

#[tokio::test]
async fn a_saga_is_returned_with_all_fields() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        world.append(vec![O.created(), S.started()]).await;
        let mut head = 0;
        for event in [
            S.step_completed("reserve_inventory"),
            S.step_started("process_payment", false, 1),
            S.compensation_started("process_payment: declined"),
            S.step_started("process_payment", true, 1),
            S.step_compensated("process_payment"),
            S.step_started("reserve_inventory", true, 1),
        ] {
            head = world.append(vec![event]).await;
        }
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert!(saga.updated_at_micros > saga.started_at_micros);
        let expected = Saga {
            id: "s".to_owned(),
            r#type: "order".to_owned(),
            order_id: "o".to_owned(),
            status: SagaStatus::Compensating.into(),
            current_step: Some("reserve_inventory".to_owned()),
            completed_steps: vec!["reserve_inventory".to_owned()],
            compensated_steps: vec!["process_payment".to_owned()],
            failure_reason: Some("process_payment: declined".to_owned()),
            started_at: saga.started_at_micros / 1_000_000,
            completed_at: 0,
            started_at_micros: saga.started_at_micros,
            completed_at_micros: None,
            updated_at_micros: saga.updated_at_micros,
        };
        assert_eq!(saga, expected);

        let head = world.append(vec![S.compensated(), O.cancelled()]).await;
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert_eq!(saga.status(), SagaStatus::Compensated);
        assert_eq!(saga.current_step, None);
        assert_eq!(saga.completed_at_micros, Some(saga.updated_at_micros));
        assert_eq!(saga.completed_at, saga.updated_at_micros / 1_000_000);
        service.stop().await;
    }
}

#[tokio::test]
async fn the_latest_saga_of_an_order_is_returned() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let missing = of_order(&mut service, "o", 0).await;
        let missing = missing.expect_err("nothing yet");
        assert_eq!(missing.code(), Code::NotFound);
        assert!(error_position(&missing).is_some());

        let head = world.append(vec![O.created(), S.started()]).await;
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert_eq!(
            (saga.id.as_str(), saga.status()),
            ("s", SagaStatus::Started)
        );
        let head = world.append(vec![O.confirmed(), S.completed()]).await;
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert_eq!(saga.status(), SagaStatus::Completed);

        // Both start in one commit, so at the same time: their order in the log decides.
        let again = SagaOf { id: "a", ..C };
        let head = world.append(vec![C.started(), again.started()]).await;
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert_eq!(
            (saga.id.as_str(), saga.r#type.as_str()),
            ("a", "cancel_order")
        );
        let head = world.append(vec![S.suspended("late")]).await;
        let saga = of_order(&mut service, "o", head).await.expect("found");
        assert_eq!(
            saga.id, "a",
            "later events do not make an older saga the latest"
        );

        let other = SagaOf {
            id: "other",
            order: "p",
            saga_type: "order",
        };
        let head = world.append(vec![other.started()]).await;
        let request = OrderIdsRequest {
            ids: ["none", "o", "p", "o", "not an id!"]
                .map(str::to_owned)
                .to_vec(),
        };
        let reply = service.sagas.get_sagas_by_orders(at(head, request)).await;
        assert_eq!(ids(reply), ["other", "a"]);
        service.stop().await;
    }
}

/// Four sagas, and the times at which they started.
async fn sagas(world: &TestService, service: &mut Service) -> (u64, Vec<i64>) {
    let saga = |id, saga_type| SagaOf {
        id,
        order: id,
        saga_type,
    };
    let (w, x) = (saga("w", "order"), saga("x", "cancel_order"));
    let (y, z) = (saga("y", "order"), saga("z", "order"));
    for saga in [w, x, y, z] {
        world.append(vec![saga.started()]).await;
    }
    world.append(vec![w.suspended("pay")]).await;
    world.append(vec![x.step_started("pay", false, 1)]).await;
    let head = world.append(vec![y.completed()]).await;
    let mut times = Vec::new();
    for id in ["w", "x", "y", "z"] {
        let saga = of_order(service, id, head).await.expect("found");
        times.push(saga.started_at_micros);
    }
    (head, times)
}

type Search = (SagaListRequest, &'static [&'static str]);

fn of(statuses: &[SagaStatus]) -> SagaListRequest {
    SagaListRequest {
        statuses: statuses.iter().map(|status| (*status).into()).collect(),
        ..SagaListRequest::default()
    }
}

fn by_status() -> Vec<Search> {
    use SagaStatus::{Completed, Failed, Running, Started, Suspended};
    let part = SagaListRequest {
        limit: Some(1),
        offset: 1,
        ..of(&[Started, Completed])
    };
    vec![
        (of(&[]), &["z", "y", "x", "w"]),
        (of(&[Suspended]), &["w"]),
        (of(&[Running, Started]), &["z", "x"]),
        (of(&[Completed, Completed]), &["y"]),
        (of(&[Failed]), &[]),
        (
            of(&[Failed, Started, Completed, Suspended]),
            &["z", "y", "w"],
        ),
        (part, &["y"]),
    ]
}

fn by_step_and_type() -> Vec<Search> {
    let search = |step: Option<&str>, saga_type: Option<&str>, statuses| SagaListRequest {
        step: step.map(str::to_owned),
        r#type: saga_type.map(str::to_owned),
        ..of(statuses)
    };
    let (order, pay) = (Some("order"), Some("pay"));
    vec![
        (search(None, order, &[]), &["z", "y", "w"]),
        (search(None, Some("cancel_order"), &[]), &["x"]),
        (search(pay, None, &[]), &["x", "w"]),
        (search(pay, order, &[SagaStatus::Suspended]), &["w"]),
        (search(pay, None, &[SagaStatus::Completed]), &[]),
        (search(Some("ship"), None, &[]), &[]),
    ]
}

fn by_age(times: &[i64]) -> Vec<Search> {
    let started_until = |until| SagaListRequest {
        started_until_micros: Some(until),
        ..of(&[])
    };
    let part = SagaListRequest {
        limit: Some(2),
        offset: 1,
        ..of(&[])
    };
    vec![
        (started_until(times[1]), &["x", "w"]),
        (started_until(times[1] - 1), &["w"]),
        (started_until(0), &[]),
        (part, &["y", "x"]),
    ]
}

#[tokio::test]
async fn sagas_are_filtered_and_listed_newest_first() {
    for world in TestService::both().await {
        let mut service = world.start().await;
        let (head, times) = sagas(&world, &mut service).await;
        assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
        let searches = [by_status(), by_step_and_type(), by_age(&times)].concat();
        for (request, expected) in searches {
            for _ in 0..2 {
                let reply = service.sagas.list_sagas(at(head, request.clone())).await;
                assert_eq!(ids(reply), expected, "{request:?}");
            }
        }
        service.stop().await;
    }
}

#[tokio::test]
async fn a_list_of_sagas_without_a_limit_reports_truncation() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let names: Vec<String> = (0..501).map(|number| format!("s{number:03}")).collect();
    let commit = names
        .iter()
        .map(|id| SagaOf { id, ..S }.started())
        .collect();
    let head = world.append(commit).await;
    for (limit, expected) in [(None, (500, true)), (Some(500), (500, false))] {
        let request = SagaListRequest {
            limit,
            ..SagaListRequest::default()
        };
        let reply = service.sagas.list_sagas(at(head, request)).await;
        let reply = reply.expect("answered").into_inner();
        assert_eq!((reply.sagas.len(), reply.truncated), expected);
    }
    service.stop().await;
}
