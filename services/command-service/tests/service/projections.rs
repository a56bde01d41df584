//! Operators' decisions about projections are events of the log, each once, with actor and reason.

use contract::proto::{
    Error, PauseProjectionParam, ProjectionActionResult, ResumeProjectionParam,
    SkipProjectionEventParam,
};
use event_sourcing::projection::{Actor, ControlEvent, decisions};
use event_sourcing::{Position, projection};
use tonic::{Response, Status};

use crate::support::{
    Service, assert_conflict, assert_invalid, named_category, on_both_engines, position,
    with_command_id,
};

/// Makes one field of a message invalid.
type Spoil<M> = fn(&mut M);

const COMMAND: &str = "01890000-0000-7000-8000-00000000000b";

fn skip_of(projection: &str, position: u64) -> SkipProjectionEventParam {
    SkipProjectionEventParam {
        projection: projection.to_owned(),
        position: i64::try_from(position).expect("a position"),
        who: "grace".to_owned(),
        reason: "a test event".to_owned(),
    }
}

fn resumption_of(projection: &str) -> ResumeProjectionParam {
    ResumeProjectionParam {
        projection: projection.to_owned(),
        who: "grace".to_owned(),
        reason: "it is repaired".to_owned(),
    }
}

fn pause_of(projection: &str) -> PauseProjectionParam {
    PauseProjectionParam {
        projection: projection.to_owned(),
        who: "grace".to_owned(),
        reason: "an inspection".to_owned(),
    }
}

/// Whether the decision changed nothing, or the error.
fn done(reply: Result<Response<ProjectionActionResult>, Status>) -> Result<bool, Error> {
    let reply = reply.expect("an answer").into_inner();
    reply.error.map_or(Ok(reply.unchanged), Err)
}

async fn decided(service: &Service, name: &str) -> Vec<ControlEvent> {
    let store = service.log();
    let decisions = decisions(&*store, name).await.expect("the decisions");
    decisions
        .into_iter()
        .map(|decision| decision.event)
        .collect()
}

#[tokio::test]
async fn decisions_are_events_with_actor_and_reason() {
    on_both_engines(async |service| {
        service
            .create_category(named_category("Tea"))
            .await
            .expect("a category");
        let head = service.head().await;
        let mut admin = service.admin.clone();
        let reply = admin.skip_projection_event(skip_of("orders", head)).await;
        assert_eq!(position(reply.as_ref().expect("an answer")), Some(head + 1));
        assert_eq!(done(reply), Ok(false));
        assert_eq!(
            done(admin.resume_projection(resumption_of("orders")).await),
            Ok(false)
        );
        let names = service.events_after(head).await;
        assert_eq!(names, ["ProjectionSkipped", "ProjectionResumed"]);
        let actor = |reason: &str| Actor {
            id: "grace".to_owned(),
            reason: reason.to_owned(),
        };
        let expected = [
            ControlEvent::Skipped(projection::control::ProjectionSkipped {
                projection: "orders".to_owned(),
                position: Position(head),
                actor: actor("a test event"),
            }),
            ControlEvent::Resumed(projection::control::ProjectionResumed {
                projection: "orders".to_owned(),
                actor: actor("it is repaired"),
            }),
        ];
        assert_eq!(decided(service, "orders").await, expected);
        assert!(decided(service, "products").await.is_empty());

        // An event is skipped once; every resume is a new event.
        let again = admin.skip_projection_event(skip_of("orders", head)).await;
        assert_eq!(done(again), Ok(true));
        let again = admin.resume_projection(resumption_of("orders")).await;
        assert_eq!(done(again), Ok(false));
        assert_eq!(service.head().await, head + 3);
    })
    .await;
}

#[tokio::test]
async fn a_projection_is_paused_once_until_it_is_resumed() {
    on_both_engines(async |service| {
        let mut admin = service.admin.clone();
        let mut pause = async || done(admin.pause_projection(pause_of("orders")).await);
        assert_eq!((pause().await, pause().await), (Ok(false), Ok(true)));
        let mut admin = service.admin.clone();
        let resumed = admin.resume_projection(resumption_of("orders")).await;
        assert_eq!(done(resumed), Ok(false));
        let paused = admin.pause_projection(pause_of("orders")).await;
        assert_eq!(done(paused), Ok(false));
        let names = service.events_after(0).await;
        assert_eq!(
            names,
            ["ProjectionPaused", "ProjectionResumed", "ProjectionPaused"]
        );
        let wrong: [(&str, Spoil<PauseProjectionParam>); 3] = [
            ("who", |param| param.who.clear()),
            ("reason", |param| param.reason.clear()),
            ("projection", |param| param.projection.clear()),
        ];
        for (field, spoil) in wrong {
            let mut param = pause_of("orders");
            spoil(&mut param);
            assert_invalid(&done(admin.pause_projection(param).await), field);
        }
    })
    .await;
}

#[tokio::test]
async fn a_repeated_decision_takes_effect_once() {
    on_both_engines(async |service| {
        let mut admin = service.admin.clone();
        for _ in 0..2 {
            let request = with_command_id(resumption_of("orders"), COMMAND);
            let reply = admin.resume_projection(request).await;
            assert_eq!(position(reply.as_ref().expect("an answer")), Some(1));
            assert_eq!(done(reply), Ok(false));
        }
        assert_eq!(service.head().await, 1);
        let other = with_command_id(resumption_of("products"), COMMAND);
        assert_conflict(&done(admin.resume_projection(other).await));
    })
    .await;
}

#[tokio::test]
async fn a_decision_without_actor_reason_or_an_existing_event_is_rejected() {
    on_both_engines(async |service| {
        let mut admin = service.admin.clone();
        admin
            .resume_projection(resumption_of("orders"))
            .await
            .expect("an answer");
        let wrong: [(&str, Spoil<SkipProjectionEventParam>); 6] = [
            ("who", |param| param.who.clear()),
            ("reason", |param| param.reason = " ".to_owned()),
            ("projection", |param| param.projection = "a b".to_owned()),
            ("position", |param| param.position = 0),
            ("position", |param| param.position = -1),
            ("position", |param| param.position = 2),
        ];
        for (field, spoil) in wrong {
            let mut param = skip_of("orders", 1);
            spoil(&mut param);
            assert_invalid(&done(admin.skip_projection_event(param).await), field);
        }
        let wrong: [(&str, Spoil<ResumeProjectionParam>); 3] = [
            ("who", |param| param.who.clear()),
            ("reason", |param| param.reason.clear()),
            ("projection", |param| param.projection.clear()),
        ];
        for (field, spoil) in wrong {
            let mut param = resumption_of("orders");
            spoil(&mut param);
            assert_invalid(&done(admin.resume_projection(param).await), field);
        }
        assert_eq!(service.head().await, 1, "nothing was written");
    })
    .await;
}
