//! The rules of categories.

use contract::proto::{CategoryUpParam, Crud};

use crate::support::{
    Service, assert_conflict, assert_invalid, assert_not_found, category_change, named_category,
    named_product, on_both_engines, product_change,
};

#[tokio::test]
async fn a_category_is_created_as_requested() {
    on_both_engines(async |service: &Service| {
        let created = service
            .create_category(CategoryUpParam {
                description: Some("on paper".to_owned()),
                ..named_category("  Books \t")
            })
            .await
            .expect("a category");
        assert_eq!(created.name, "Books");
        assert_eq!(created.description.as_deref(), Some("on paper"));
        assert_eq!(created.version, 1);
        assert!(created.created_at.is_some());
        assert_eq!(created.created_at, created.updated_at);
        // A UUIDv7: the version is the first digit of the third group.
        assert_eq!(
            created.id.split('-').nth(2).map(|group| &group[..1]),
            Some("7")
        );
        assert_eq!(
            service.events_after(0).await,
            ["CategoryCreated", "CategoryNameClaimed"]
        );
    })
    .await;
}

#[tokio::test]
async fn an_id_can_be_used_only_once() {
    on_both_engines(async |service: &Service| {
        let with_id = |name| CategoryUpParam {
            id: "A-z_0.9".to_owned(),
            ..named_category(name)
        };
        let created = service.create_category(with_id("One")).await;
        assert_eq!(created.expect("a category").id, "A-z_0.9");
        assert_conflict(&service.create_category(with_id("Two")).await);
        service.delete_category("A-z_0.9").await.expect("deleted");
        assert_conflict(&service.create_category(with_id("Three")).await);
        // The rejected commands claimed no name.
        service.category("Two").await;
    })
    .await;
}

#[tokio::test]
async fn names_are_limited_in_characters_and_unique_regardless_of_case_and_form() {
    on_both_engines(async |service: &Service| {
        let emoji = "\u{1F600}".repeat(100);
        assert_eq!(service.category(&emoji).await.name, emoji);
        let too_long = service.create_category(named_category(&format!("{emoji}x")));
        assert_invalid(&too_long.await, "name");
        service.category("Straße Ⅳ").await;
        for same in ["straße iv", "STRASSE IV", " Strasse ⅳ "] {
            assert_conflict(&service.create_category(named_category(same)).await);
        }
        service.category("Strase IV").await;
    })
    .await;
}

#[tokio::test]
async fn a_name_is_available_again_after_a_rename_and_after_a_deletion() {
    on_both_engines(async |service: &Service| {
        let first = service.category("Alpha").await;
        let renamed = service
            .update_category(CategoryUpParam {
                name: "Beta".to_owned(),
                ..category_change(&first.id)
            })
            .await
            .expect("renamed");
        assert_eq!((renamed.name.as_str(), renamed.version), ("Beta", 2));
        let second = service.category("ALPHA").await;
        assert_conflict(&service.create_category(named_category("beta")).await);
        service.delete_category(&first.id).await.expect("deleted");
        service.category("beta").await;
        let taken = service.update_category(CategoryUpParam {
            name: "BETA".to_owned(),
            ..category_change(&second.id)
        });
        assert_conflict(&taken.await);
    })
    .await;
}

#[tokio::test]
async fn a_rename_that_differs_only_in_case_keeps_the_claim() {
    on_both_engines(async |service: &Service| {
        let category = service.category("music").await;
        let before = service.head().await;
        let renamed = service
            .update_category(CategoryUpParam {
                name: "Music".to_owned(),
                ..category_change(&category.id)
            })
            .await
            .expect("renamed");
        assert_eq!(renamed.name, "Music");
        assert_eq!(service.events_after(before).await, ["CategoryUpdated"]);
        assert_conflict(&service.create_category(named_category("MUSIC")).await);
    })
    .await;
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    on_both_engines(async |service: &Service| {
        let id = service.category("Games").await.id;
        let described = service
            .update_category(CategoryUpParam {
                description: Some("to play".to_owned()),
                ..category_change(&id)
            })
            .await
            .expect("described");
        assert_eq!(described.name, "Games");
        assert_eq!(described.description.as_deref(), Some("to play"));
        let before = service.head().await;
        let same = service
            .update_category(CategoryUpParam {
                name_value: Some("Games".to_owned()),
                description: Some("to play".to_owned()),
                ..category_change(&id)
            })
            .await
            .expect("unchanged");
        assert_eq!(same, described);
        assert_eq!(service.head().await, before);
        let cleared = service
            .update_category(CategoryUpParam {
                clear_description: true,
                ..category_change(&id)
            })
            .await
            .expect("cleared");
        assert_eq!((cleared.description, cleared.version), (None, 3));
        let empty = service.update_category(CategoryUpParam {
            name_value: Some(String::new()),
            ..category_change(&id)
        });
        assert_invalid(&empty.await, "name");
    })
    .await;
}

#[tokio::test]
async fn an_update_may_require_a_version() {
    on_both_engines(async |service: &Service| {
        let id = service.category("Tools").await.id;
        let rename = |name: &str, version| CategoryUpParam {
            name: name.to_owned(),
            expected_version: Some(version),
            ..category_change(&id)
        };
        for version in [0, 2, i64::MAX] {
            assert_conflict(&service.update_category(rename("Other", version)).await);
        }
        let renamed = service.update_category(rename("Other", 1)).await;
        assert_eq!(renamed.expect("renamed").version, 2);
        assert_conflict(&service.update_category(rename("Third", 1)).await);
    })
    .await;
}

#[tokio::test]
async fn a_category_can_be_deleted_only_when_no_product_belongs_to_it() {
    on_both_engines(async |service: &Service| {
        let category = service.category("Shoes").await;
        let other = service.category("Boots").await;
        let mut products = Vec::new();
        for name in ["Left", "Right"] {
            let param = contract::proto::ProductUpParam {
                category_id: category.id.clone(),
                ..named_product(name)
            };
            products.push(service.create_product(param).await.expect("a product").id);
        }
        let in_use = service.delete_category(&category.id).await;
        assert_conflict(&in_use);
        assert!(in_use.expect_err("rejected").message.contains("2 products"));
        service.delete_product(&products[0]).await.expect("deleted");
        assert_conflict(&service.delete_category(&category.id).await);
        let moved = contract::proto::ProductUpParam {
            category_id: other.id.clone(),
            ..product_change(&products[1])
        };
        service.update_product(moved).await.expect("moved");
        let deleted = service.delete_category(&category.id).await;
        assert_eq!(deleted.expect("deleted").name, "Shoes");
        assert_conflict(&service.delete_category(&other.id).await);
    })
    .await;
}

#[tokio::test]
async fn commands_on_a_deleted_or_unknown_category_are_not_found() {
    on_both_engines(async |service: &Service| {
        let gone = service.category("Gone").await.id;
        service.delete_category(&gone).await.expect("deleted");
        let before = service.head().await;
        for id in [gone.as_str(), "never-was"] {
            let rename = CategoryUpParam {
                name: "Back".to_owned(),
                ..category_change(id)
            };
            assert_not_found(&service.update_category(rename).await);
            assert_not_found(&service.delete_category(id).await);
            let product = contract::proto::ProductUpParam {
                crud: Crud::Insert.into(),
                category_id: id.to_owned(),
                ..named_product("Homeless")
            };
            assert_invalid(&service.create_product(product).await, "categoryId");
        }
        assert_eq!(service.head().await, before);
    })
    .await;
}
