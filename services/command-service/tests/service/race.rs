//! Two command-services on one PostgreSQL database, with conflicting concurrent commands.

use std::collections::BTreeMap;

use contract::proto::{Category, CategoryUpParam, Error, ProductUpParam, StockUpParam};
use futures::future::{join, join_all};
use platform::config::Engine;

use crate::support::{
    Home, Service, assert_conflict, assert_invalid, category, category_change, named_category,
    named_product, product_change, stock, with_command_id,
};

const ROUNDS: usize = 30;

/// Yields to other tasks a number of times first.
async fn after_yields<T>(yields: usize, then: impl Future<Output = T>) -> T {
    for _ in 0..yields {
        tokio::task::yield_now().await;
    }
    then.await
}

struct Two {
    services: [Service; 2],
    _home: Home,
}

impl Two {
    async fn start() -> Self {
        let home = Home::new(Engine::Postgres).await;
        let services = [home.start().await, home.start().await];
        Self {
            services,
            _home: home,
        }
    }

    /// Checks that each stream's versions are 1, 2, 3 …, and that both processes read the same log.
    async fn end(self) {
        let [one, two] = self.services;
        let log = one.versions().await;
        assert_eq!(log, two.versions().await);
        let mut last = BTreeMap::new();
        for (stream, version) in log {
            let before = last.insert(stream.clone(), version).unwrap_or(0);
            assert_eq!(version, before + 1, "{stream}");
        }
        one.stop().await;
        two.stop().await;
    }
}

#[tokio::test]
async fn of_concurrent_claims_of_a_name_one_succeeds() {
    let two = Two::start().await;
    for round in 0..ROUNDS {
        let name = format!("Wanted {round}");
        let wanting = (0..16).map(|n| {
            let name = if n % 3 == 0 {
                name.to_uppercase()
            } else {
                name.clone()
            };
            let service = &two.services[n % 2];
            async move { service.create_category(named_category(&name)).await }
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(wanting).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "{won:?}");
        lost.iter().for_each(assert_conflict);
    }
    two.end().await;
}

#[tokio::test]
async fn of_concurrent_renames_to_a_name_one_succeeds() {
    let two = Two::start().await;
    let [one, other] = &two.services;
    for round in 0..ROUNDS {
        let a = one.category(&format!("A {round}")).await.id;
        let b = other.category(&format!("B {round}")).await.id;
        let rename = |id: &str| CategoryUpParam {
            name: format!("C {round}"),
            ..category_change(id)
        };
        let renamed = join(
            one.update_category(rename(&a)),
            other.update_category(rename(&b)),
        );
        let (first, second) = renamed.await;
        let (won, lost, loser): (_, _, &str) = match (first, second) {
            (Ok(won), lost) => (won, lost, &b),
            (lost, Ok(won)) => (won, lost, &a),
            both => panic!("one wins, got {both:?}"),
        };
        assert_conflict(&lost);
        assert_eq!(won.name, format!("C {round}"));
        // The loser still has its old name; the winner's old name is free.
        let freed = if loser == b {
            format!("A {round}")
        } else {
            format!("B {round}")
        };
        one.category(&freed).await;
        let kept = if loser == b {
            format!("B {round}")
        } else {
            format!("A {round}")
        };
        assert_conflict(&other.create_category(named_category(&kept)).await);
    }
    two.end().await;
}

#[tokio::test]
async fn no_product_is_left_in_a_category_that_is_deleted() {
    let two = Two::start().await;
    let [one, other] = &two.services;
    let (mut deleted_first, mut created_first) = (0, 0);
    for round in 0..ROUNDS {
        let id = one.category(&format!("Contested {round}")).await.id;
        let loose = other.product("Loose").await.id;
        let new = ProductUpParam {
            category_id: id.clone(),
            ..named_product("New")
        };
        let moving = ProductUpParam {
            category_id: id.clone(),
            ..product_change(&loose)
        };
        // Varied timing: sometimes one side is done before the other starts, otherwise they conflict at different
        // steps.
        let deleting = one.delete_category(&id);
        let filling = join(other.create_product(new), other.update_product(moving));
        let (deleted, (created, moved)) = match round % 6 {
            0 => {
                let filled = filling.await;
                (deleting.await, filled)
            }
            1 => {
                let deleted = deleting.await;
                (deleted, filling.await)
            }
            later => join(deleting, after_yields(later * 50, filling)).await,
        };
        match deleted {
            Ok(_) => {
                deleted_first += 1;
                assert_invalid(&created, "categoryId");
                assert_invalid(&moved, "categoryId");
            }
            rejected => {
                created_first += 1;
                assert_conflict(&rejected);
                assert!(created.is_ok() || moved.is_ok());
            }
        }
    }
    eprintln!("deleted first {deleted_first}, created first {created_first}");
    assert!(deleted_first > 0 && created_first > 0);
    two.end().await;
}

#[tokio::test]
async fn a_category_can_be_deleted_after_another_process_removed_its_last_product() {
    let two = Two::start().await;
    let [one, other] = &two.services;
    for round in 0..ROUNDS {
        let id = one.category(&format!("Emptied {round}")).await.id;
        let product = ProductUpParam {
            category_id: id.clone(),
            ..named_product("Only")
        };
        let product = one.create_product(product).await.expect("a product").id;
        assert_conflict(&other.delete_category(&id).await);
        other.delete_product(&product).await.expect("deleted");
        one.delete_category(&id).await.expect("empty");
        // The first process has a stale state of the product, and detects the version conflict.
        let late = ProductUpParam {
            name: "Late".to_owned(),
            ..product_change(&product)
        };
        crate::support::assert_not_found(&one.update_product(late).await);
    }
    two.end().await;
}

#[tokio::test]
async fn concurrent_stock_updates_from_two_processes_form_one_history() {
    let two = Two::start().await;
    let id = two.services[0].product("Hot").await.id;
    let set = (1..=60).map(|quantity| {
        let service = &two.services[usize::try_from(quantity % 2).expect("0 or 1")];
        service.update_stock(&id, quantity)
    });
    let mut versions: Vec<i64> = join_all(set)
        .await
        .into_iter()
        .map(|stock| stock.expect("set").version)
        .collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=61).collect::<Vec<_>>());
    two.end().await;
}

#[tokio::test]
async fn of_concurrent_updates_of_one_version_one_succeeds() {
    let two = Two::start().await;
    let id = two.services[0].category("Versioned").await.id;
    for version in 1..=10 {
        let updates = (0..10).map(|n| {
            let change = CategoryUpParam {
                description: Some(format!("{version} by {n}")),
                expected_version: Some(version),
                ..category_change(&id)
            };
            two.services[n % 2].update_category(change)
        });
        let (won, lost): (Vec<_>, Vec<_>) =
            join_all(updates).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1);
        lost.iter().for_each(assert_conflict);
    }
    two.end().await;
}

#[tokio::test]
async fn a_command_sent_to_both_processes_takes_effect_once() {
    let two = Two::start().await;
    let id = two.services[0].product("Twice").await.id;
    for round in 0..ROUNDS {
        let before = two.services[0].head().await;
        let name_id = format!("01890000-0000-7000-8000-{round:012}");
        let created = join_all(two.services.iter().map(async |service| {
            let request = with_command_id(named_category(&format!("Once {round}")), &name_id);
            category(service.categories.clone().create(request).await)
        }))
        .await;
        let created: Vec<Category> = created
            .into_iter()
            .collect::<Result<_, Error>>()
            .expect("both return the reply");
        assert_eq!(created[0], created[1]);
        let stock_id = format!("01890000-0000-7000-9000-{round:012}");
        let set = join_all(two.services.iter().map(async |service| {
            let param = StockUpParam {
                product_id: id.clone(),
                quantity: i64::try_from(round).expect("small") + 1,
            };
            let request = with_command_id(param, &stock_id);
            stock(service.products.clone().update_stock(request).await)
        }))
        .await;
        let set: Vec<_> = set.into_iter().map(|stock| stock.expect("set")).collect();
        assert_eq!(set[0], set[1]);
        let expected = ["CategoryCreated", "CategoryNameClaimed", "StockUpdated"];
        assert_eq!(two.services[1].events_after(before).await, expected);
    }
    two.end().await;
}
