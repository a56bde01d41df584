use domain::category::{CategoryNameEvent, CategoryNameHeld, NameClaim};
use domain::value::NameKey;
use domain::{Conflict, DomainError};
use event_sourcing::testing::given;

use crate::support::{category_name, id};

fn claimed_by(category: &str) -> CategoryNameEvent {
    CategoryNameEvent::Claimed(CategoryNameHeld {
        name_key: NameKey::of("tea"),
        category_id: id(category),
    })
}

fn released_by(category: &str) -> CategoryNameEvent {
    CategoryNameEvent::Released(CategoryNameHeld {
        name_key: NameKey::of("tea"),
        category_id: id(category),
    })
}

#[test]
fn a_free_name_is_claimed_by_its_key() {
    given::<NameClaim>([])
        .when(|claim| claim.claim(&category_name("TEA"), &id("a")))
        .then([claimed_by("a")]);
}

#[test]
fn a_name_has_one_holder_whatever_its_case() {
    given::<NameClaim>([claimed_by("a")])
        .when(|claim| claim.claim(&category_name("TeA"), &id("b")))
        .then_rejected(DomainError::Conflict(Conflict::NameTaken {
            name: "TeA".to_owned(),
        }));
}

#[test]
fn the_holder_claims_again_without_an_event() {
    given::<NameClaim>([claimed_by("a")])
        .when(|claim| claim.claim(&category_name("Tea"), &id("a")))
        .then_nothing();
}

#[test]
fn a_released_name_is_free_again() {
    given::<NameClaim>([claimed_by("a"), released_by("a")])
        .when(|claim| claim.claim(&category_name("Tea"), &id("b")))
        .then([claimed_by("b")]);
}

#[test]
fn only_the_holder_releases() {
    let claim = given::<NameClaim>([claimed_by("a")]).state();
    assert_eq!(claim.release(NameKey::of("tea"), &id("b")), []);
    assert_eq!(
        claim.release(NameKey::of("tea"), &id("a")),
        [released_by("a")]
    );
    assert_eq!(claim.holder(), Some(&id("a")));
}
