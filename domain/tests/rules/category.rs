use domain::category::{
    Category, CategoryCreated, CategoryDeleted, CategoryEvent, CategoryUpdated, CreateCategory,
    UpdateCategory,
};
use domain::category_membership::{Membership, MembershipEvent};
use domain::value::Patch;
use domain::{Conflict, DomainError, Entity};
use event_sourcing::Version;
use event_sourcing::testing::{at, given};

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

fn not_found() -> DomainError {
    DomainError::NotFound {
        entity: Entity::Category,
        id: id("tea"),
    }
}

#[test]
fn a_new_id_makes_a_category() {
    given::<Category>([])
        .when(|tea| tea.create(&create()))
        .then([created()]);
}

#[test]
fn an_id_is_not_given_twice_even_after_deletion() {
    let refusal = || {
        DomainError::Conflict(Conflict::IdTaken {
            entity: Entity::Category,
            id: id("tea"),
        })
    };
    given::<Category>([created()])
        .when(|tea| tea.create(&create()))
        .then_refused(refusal());
    given::<Category>([created(), deleted()])
        .when(|tea| tea.create(&create()))
        .then_refused(refusal());
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let rename = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        ..update()
    };
    given::<Category>([created()])
        .when(|tea| tea.update(&rename))
        .then([updated("Fine Tea", Some("Leaves"))]);
}

#[test]
fn an_update_can_clear_the_description() {
    let clear = UpdateCategory {
        description: Patch::Clear,
        ..update()
    };
    given::<Category>([created()])
        .when(|tea| tea.update(&clear))
        .then([updated("Tea", None)]);
}

#[test]
fn an_update_that_changes_nothing_gives_no_event() {
    let same = UpdateCategory {
        name: Some(category_name(" Tea ")),
        description: Patch::Set(description("Leaves")),
        ..update()
    };
    given::<Category>([created()])
        .when(|tea| tea.update(&same))
        .then_nothing();
}

#[test]
fn an_update_on_another_version_is_a_conflict_that_names_both() {
    let stale = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        expected_version: Some(Version(1)),
        ..update()
    };
    let refusal = DomainError::Conflict(Conflict::Version {
        entity: Entity::Category,
        id: id("tea"),
        expected: Version(1),
        actual: Version(2),
    });
    assert_eq!(
        refusal.to_string(),
        "category tea is at version 2, expected 1"
    );
    given::<Category>([created(), updated("Green Tea", None)])
        .when(|tea| tea.update(&stale))
        .then_refused(refusal);
}

#[test]
fn an_update_on_the_present_version_is_accepted() {
    let fresh = UpdateCategory {
        name: Some(category_name("Fine Tea")),
        expected_version: Some(Version(1)),
        ..update()
    };
    given::<Category>([created()])
        .when(|tea| tea.update(&fresh))
        .then([updated("Fine Tea", Some("Leaves"))]);
}

#[test]
fn what_never_was_or_is_deleted_is_not_found() {
    for history in [vec![], vec![created(), deleted()]] {
        given::<Category>(history.clone())
            .when(|tea| tea.update(&update()))
            .then_refused(not_found());
        given::<Category>(history)
            .when(|tea| tea.delete(&id("tea")))
            .then_refused(not_found());
    }
}

#[test]
fn a_deletion_ends_it() {
    given::<Category>([created()])
        .when(|tea| tea.delete(&id("tea")))
        .then([deleted()]);
}

#[test]
fn a_rename_moves_the_claim_only_to_another_key() {
    let tea = given::<Category>([created()]).state();
    let to = |name: &str| UpdateCategory {
        name: Some(category_name(name)),
        ..update()
    };
    assert_eq!(tea.moved_key(&update()), Ok(None));
    assert_eq!(tea.moved_key(&to("TEA")), Ok(None));
    let keys = (category_name("Tea").key(), category_name("Herbs").key());
    assert_eq!(tea.moved_key(&to("Herbs")), Ok(Some(keys)));
}

#[test]
fn products_enter_only_what_is_there() {
    let refusal = |category: &Category| category.accept_product(&id("tea")).unwrap_err();
    let there = given::<Category>([created()]).state();
    assert_eq!(there.accept_product(&id("tea")), Ok(()));
    for history in [vec![], vec![created(), deleted()]] {
        let DomainError::Validation(errors) = refusal(&given(history).state()) else {
            panic!("not a validation error");
        };
        assert_eq!(errors[0].field, "categoryId");
    }
}

#[test]
fn the_state_has_the_times_of_its_first_and_last_event() {
    let tea = given::<Category>([created(), updated("Fine Tea", None)]).state();
    let values = tea.existing(&id("tea")).unwrap();
    assert_eq!((values.created_at, values.updated_at), (at(0), at(1)));
    assert_eq!(tea.version(), Version(2));
}

#[test]
fn the_last_values_of_a_deleted_category_stay_known() {
    let tea = given::<Category>([created(), deleted()]).state();
    assert_eq!(tea.life().alive(), None);
    assert_eq!(tea.life().last().unwrap().name, category_name("Tea"));
}

#[test]
fn a_category_with_products_is_in_use_until_the_last_has_left() {
    let added = |product: &str| MembershipEvent::added(&id("tea"), &id(product));
    let removed = |product: &str| MembershipEvent::removed(&id("tea"), &id(product));
    let refusal = given::<Membership>([added("sencha"), added("assam"), removed("sencha")])
        .state()
        .require_empty(&id("tea"))
        .unwrap_err();
    assert_eq!(refusal.to_string(), "category tea still has 1 product");
    given::<Membership>([added("sencha"), removed("sencha")])
        .state()
        .require_empty(&id("tea"))
        .unwrap();
}
