use domain::category::{
    Category, CategoryCreated, CategoryDeleted, CategoryEvent, CategoryNameEvent, CategoryNameHeld,
    CategoryUpdated, CreateCategory, DeleteCategory, Membership, MembershipEvent, NameClaim,
    UpdateCategory,
};
use domain::value::{NameKey, Patch};
use domain::{Conflict, DomainError, Entity};
use event_sourcing::Version;
use event_sourcing::testing::{GivenStreams, Written, at, given, given_streams, written};

use crate::support::{category_name, description, id};

fn created() -> CategoryEvent {
    CategoryEvent::Created(CategoryCreated {
        category_id: id("tea"),
        name: category_name("Tea"),
        description: Some(description("Leaves")),
    })
}

fn deleted() -> CategoryEvent {
    CategoryEvent::Deleted(CategoryDeleted {
        category_id: id("tea"),
    })
}

fn updated(name: &str, about: Option<&str>) -> CategoryEvent {
    CategoryEvent::Updated(CategoryUpdated {
        category_id: id("tea"),
        name: category_name(name),
        description: about.map(description),
    })
}

fn create() -> CreateCategory {
    CreateCategory {
        id: id("tea"),
        name: category_name("Tea"),
        description: Some(description("Leaves")),
    }
}

fn update() -> UpdateCategory {
    UpdateCategory {
        id: id("tea"),
        name: None,
        description: Patch::Keep,
        expected_version: None,
    }
}

fn delete() -> DeleteCategory {
    DeleteCategory { id: id("tea") }
}

fn claimed(name: &str) -> CategoryNameEvent {
    CategoryNameEvent::Claimed(CategoryNameHeld {
        name_key: NameKey::of(name),
        category_id: id("tea"),
    })
}

fn released(name: &str) -> CategoryNameEvent {
    CategoryNameEvent::Released(CategoryNameHeld {
        name_key: NameKey::of(name),
        category_id: id("tea"),
    })
}

/// The category with this history, and the claim on the name that it was created with.
fn tea(history: impl IntoIterator<Item = CategoryEvent>) -> GivenStreams {
    given_streams()
        .with::<Category>("tea", history)
        .with::<NameClaim>(&claim("Tea"), [claimed("Tea")])
}

fn claim(name: &str) -> String {
    NameKey::of(name).stream_id()
}

fn to_category(event: CategoryEvent) -> Written {
    written::<Category>("tea", [event])
}

fn to_claim(name: &str, event: CategoryNameEvent) -> Written {
    written::<NameClaim>(&claim(name), [event])
}

/// The writes of a rename to another name key.
fn renamed(event: CategoryEvent, to: &str) -> [Written; 3] {
    [
        to_category(event),
        to_claim("Tea", released("Tea")),
        to_claim(to, claimed(to)),
    ]
}

fn not_found() -> DomainError {
    DomainError::NotFound {
        entity: Entity::Category,
        id: id("tea"),
    }
}

#[test]
fn creating_a_category_claims_its_name() {
    given_streams()
        .when(&create())
        .then([to_category(created()), to_claim("Tea", claimed("Tea"))]);
}

#[test]
fn an_id_is_not_reused_even_after_deletion() {
    let rejection = || {
        DomainError::Conflict(Conflict::AlreadyExists {
            entity: Entity::Category,
            id: id("tea"),
        })
    };
    tea([created()]).when(&create()).then_rejected(rejection());
    tea([created(), deleted()])
        .when(&create())
        .then_rejected(rejection());
}

#[test]
fn a_taken_name_is_rejected_on_creation_and_on_rename() {
    let taken = |name: &str| {
        DomainError::Conflict(Conflict::NameTaken {
            name: name.to_owned(),
        })
    };
    let second = CreateCategory {
        id: id("second"),
        name: category_name("TEA"),
        description: None,
    };
    tea([created()]).when(&second).then_rejected(taken("TEA"));
    let herbs = CategoryNameEvent::Claimed(CategoryNameHeld {
        name_key: NameKey::of("herbs"),
        category_id: id("herbs"),
    });
    let rename = UpdateCategory {
        name: Some(category_name("Herbs")),
        ..update()
    };
    tea([created()])
        .with::<NameClaim>(&claim("herbs"), [herbs])
        .when(&rename)
        .then_rejected(taken("Herbs"));
}

#[test]
fn an_update_keeps_absent_fields() {
    let rename = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        ..update()
    };
    let event = updated("Fine Tea", Some("Leaves"));
    tea([created()])
        .when(&rename)
        .then(renamed(event, "Fine Tea"));
}

#[test]
fn an_update_can_clear_the_description() {
    let clear = UpdateCategory {
        description: Patch::Clear,
        ..update()
    };
    tea([created()])
        .when(&clear)
        .then([to_category(updated("Tea", None))]);
}

#[test]
fn an_update_without_a_change_appends_no_event() {
    let same = UpdateCategory {
        name: Some(category_name(" Tea ")),
        description: Patch::Set(description("Leaves")),
        ..update()
    };
    tea([created()]).when(&same).then_nothing();
}

#[test]
fn an_update_with_a_wrong_version_is_a_conflict_with_both_versions() {
    let stale = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        expected_version: Some(Version(1)),
        ..update()
    };
    let rejection = DomainError::Conflict(Conflict::Version {
        entity: Entity::Category,
        id: id("tea"),
        expected: Version(1),
        actual: Version(2),
    });
    assert_eq!(
        rejection.to_string(),
        "category tea is at version 2, expected 1"
    );
    tea([created(), updated("Green Tea", None)])
        .when(&stale)
        .then_rejected(rejection);
}

#[test]
fn an_update_with_the_current_version_is_accepted() {
    let fresh = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        expected_version: Some(Version(1)),
        ..update()
    };
    let event = updated("Fine Tea", Some("Leaves"));
    tea([created()])
        .when(&fresh)
        .then(renamed(event, "Fine Tea"));
}

#[test]
fn a_missing_or_deleted_entity_is_not_found() {
    for history in [vec![], vec![created(), deleted()]] {
        let tea = tea(history);
        tea.when(&update()).then_rejected(not_found());
        tea.when(&delete()).then_rejected(not_found());
    }
}

#[test]
fn a_deletion_releases_the_name() {
    let ended = [to_category(deleted()), to_claim("Tea", released("Tea"))];
    tea([created()]).when(&delete()).then(ended);
}

#[test]
fn a_rename_moves_the_claim_only_if_the_key_changes() {
    let to = |name: &str| UpdateCategory {
        name: Some(category_name(name)),
        ..update()
    };
    let tea = tea([created()]);
    tea.when(&update()).then_nothing();
    tea.when(&to("TEA"))
        .then([to_category(updated("TEA", Some("Leaves")))]);
    tea.when(&to("Herbs"))
        .then(renamed(updated("Herbs", Some("Leaves")), "Herbs"));
}

#[test]
fn products_are_added_only_to_an_existing_category() {
    let rejection = |category: &Category| category.accept_product(&id("tea")).unwrap_err();
    let there = given::<Category>([created()]).state();
    assert_eq!(there.accept_product(&id("tea")), Ok(()));
    for history in [vec![], vec![created(), deleted()]] {
        let DomainError::Validation(errors) = rejection(&given(history).state()) else {
            panic!("not a validation error");
        };
        assert_eq!(errors[0].field, "categoryId");
    }
}

#[test]
fn the_state_has_the_times_of_the_first_and_last_event() {
    let tea = given::<Category>([created(), updated("Fine Tea", None)]).state();
    let values = tea.existing(&id("tea")).unwrap();
    assert_eq!((values.created_at, values.updated_at), (at(0), at(1)));
    assert_eq!(tea.version(), Version(2));
}

#[test]
fn a_deleted_category_retains_its_last_values() {
    let tea = given::<Category>([created(), deleted()]).state();
    assert_eq!(tea.lifecycle().active(), None);
    assert_eq!(tea.lifecycle().last().unwrap().name, category_name("Tea"));
}

#[test]
fn a_reply_has_the_category_after_the_command() {
    let deleted = tea([created()]).when(&delete()).reply();
    assert_eq!(deleted.version(), Version(2));
    assert_eq!(
        deleted.lifecycle().last().unwrap().name,
        category_name("Tea")
    );
}

#[test]
fn a_category_with_products_cannot_be_deleted() {
    let added = |product: &str| MembershipEvent::added(&id("tea"), &id(product));
    let removed = |product: &str| MembershipEvent::removed(&id("tea"), &id(product));
    let rejection = DomainError::Conflict(Conflict::CategoryInUse {
        id: id("tea"),
        count: 1,
    });
    assert_eq!(rejection.to_string(), "category tea still has 1 product");
    tea([created()])
        .with::<Membership>("tea", [added("sencha"), added("assam"), removed("sencha")])
        .when(&delete())
        .then_rejected(rejection);
    tea([created()])
        .with::<Membership>("tea", [added("sencha"), removed("sencha")])
        .when(&delete())
        .then([to_category(deleted()), to_claim("Tea", released("Tea"))]);
}
