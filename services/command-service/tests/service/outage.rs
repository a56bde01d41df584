//! A database outage with recovery, and a service that is stopped under load.

use std::time::Duration;

use contract::proto::IdempotencyBeginParam;
use contract::status::Outcome;
use platform::config::Engine;
use test_faults::Link;
use tokio::time::timeout;
use tonic::{Code, Request};

use crate::support::{Home, assert_conflict, category, named_category, with_command_id};

const WAIT_TIMEOUT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn during_an_outage_commands_are_unavailable_and_afterwards_take_effect_once() {
    let cluster = test_postgres::Cluster::start().await;
    let database = cluster.database().await;
    let home = Home::at(&database.url);
    let service = home.start().await;
    service.category("Before").await;
    cluster.stop_immediately().await;
    let create = |number: u32, limit| {
        let id = format!("01890000-0000-7000-8000-{number:012}");
        let mut request = with_command_id(named_category(&format!("During {number}")), &id);
        request.set_timeout(limit);
        request
    };
    for number in 0..3 {
        let mut categories = service.categories.clone();
        let status = categories.create(create(number, WAIT_TIMEOUT)).await;
        let status = status.expect_err("the database is down");
        let codes = [Code::Unavailable, Code::DeadlineExceeded];
        assert!(codes.contains(&status.code()), "{status:?}");
        let outcome = Outcome::of(&status);
        assert!(
            matches!(outcome, Some(Outcome::None | Outcome::Unknown)),
            "{outcome:?}"
        );
    }
    cluster.start_again().await;
    for number in 0..3 {
        // Until the connections are re-established.
        let mut categories = service.categories.clone();
        let mut tries = 0;
        let created = loop {
            tries += 1;
            let reply = categories.create(create(number, Duration::from_secs(5)));
            match reply.await {
                Ok(reply) => break category(Ok(reply)),
                Err(status) if tries < 20 => {
                    let codes = [Code::Unavailable, Code::DeadlineExceeded];
                    assert!(codes.contains(&status.code()), "{status:?}");
                }
                Err(status) => panic!("{status:?}"),
            }
        };
        assert_eq!(created.expect("created").version, 1);
    }
    assert_eq!(service.head().await, 8);
    service.stop().await;
}

/// Otherwise each call would wait for its deadline of 10 s, and the test would not end in time.
#[tokio::test]
async fn while_a_database_is_known_to_be_down_calls_fail_at_once() {
    let database = test_postgres::database().await;
    let linked = Link::to_postgres("the databases", &database.url).await;
    let (link, url) = linked.expect("a link");
    let home = Home::at(&url);
    let service = home.start().await;
    service.category("Before").await;
    link.stop();
    let create = async |number: u32, limit| {
        let mut request = Request::new(named_category(&format!("During {number}")));
        request.set_timeout(limit);
        service.categories.clone().create(request).await
    };
    let begin = async || {
        let param = IdempotencyBeginParam {
            principal: "ada".to_owned(),
            key: "key".to_owned(),
            request_hash: vec![7; 32],
            token: String::new(),
        };
        let mut request = Request::new(param);
        request.set_timeout(Duration::from_secs(10));
        service.idempotency.clone().begin(request).await
    };
    // An append that was sent when the connection broke has an unknown outcome, and is retried until its deadline. After that the
    // outage has lasted for long enough.
    for number in 0..2 {
        let status = create(number, WAIT_TIMEOUT).await;
        status.expect_err("the database is down");
    }
    let failing = async {
        for number in 2..50 {
            let status = create(number, Duration::from_secs(10)).await;
            let status = status.expect_err("the database is down");
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
            assert_eq!(Outcome::of(&status), Some(Outcome::None), "{status:?}");
            let status = begin().await.expect_err("the database is down");
            assert_eq!(status.code(), Code::Unavailable, "{status:?}");
        }
    };
    let in_time = timeout(Duration::from_secs(30), failing).await;
    in_time.expect("calls fail at once");
    link.mend();
    let served = async {
        while create(50, Duration::from_secs(10)).await.is_err() || begin().await.is_err() {}
    };
    let in_time = timeout(Duration::from_secs(30), served).await;
    in_time.expect("calls are served again");
    service.stop().await;
}

#[tokio::test]
async fn a_stop_during_load_loses_nothing_that_was_acknowledged() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        eprintln!("on {engine:?}");
        let home = Home::new(engine).await;
        let service = home.start().await;
        let workers: Vec<_> = (0..16)
            .map(|worker| {
                let mut categories = service.categories.clone();
                // Each continues until the service rejects it.
                tokio::spawn(async move {
                    let mut acknowledged = Vec::new();
                    loop {
                        let name = format!("Loaded {worker} {}", acknowledged.len());
                        match categories.create(named_category(&name)).await {
                            Ok(reply) => {
                                category(Ok(reply)).expect("created");
                                acknowledged.push(name);
                            }
                            Err(_) => return acknowledged,
                        }
                    }
                })
            })
            .collect();
        while service.head().await < 200 {
            tokio::task::yield_now().await;
        }
        service.stop().await;
        let mut acknowledged = Vec::new();
        for worker in workers {
            acknowledged.extend(worker.await.expect("a worker"));
        }
        eprintln!("{} acknowledged", acknowledged.len());
        assert!(acknowledged.len() >= 80);
        let service = home.start().await;
        let created = service.events_after(0).await;
        let created = created.iter().filter(|name| *name == "CategoryCreated");
        assert!(created.count() >= acknowledged.len());
        for name in acknowledged {
            assert_conflict(&service.create_category(named_category(&name)).await);
        }
        service.stop().await;
    }
}
