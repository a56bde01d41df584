use domain::value::{CategoryName, NameKey};
use proptest::prelude::*;

fn key(text: &str) -> String {
    NameKey::of(text).as_str().to_owned()
}

#[test]
fn names_that_differ_in_case_width_or_spelling_have_one_key() {
    let same = [
        ("Tea", "TEA"),
        ("  tea\u{3000}", "Tea"),
        ("Ｔｅａ", "tea"),
        ("ÄPFEL", "äpfel"),
        ("a\u{308}pfel", "äpfel"),
        ("ﬁne", "FINE"),
        ("ΑΣ", "ας"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("straße", "STRASSE"),
        ("Straẞe", "strasse"),
        ("ŉ", "ʼN"),
        ("ǰ", "J\u{30c}"),
        ("ΐ", "Ϊ\u{301}"),
        ("ﬅ", "ST"),
        ("ᏼ", "Ᏼ"),
        ("ｶﾞ", "ガ"),
    ];
    for (one, other) in same {
        assert_eq!(key(one), key(other), "{one} and {other}");
    }
}

#[test]
fn names_that_differ_otherwise_have_different_keys() {
    let different = [
        ("tea", "teas"),
        ("cafe", "café"),
        ("σίσυφος", "σίσυφο"),
        ("ı", "i"),
        ("a b", "ab"),
    ];
    for (one, other) in different {
        assert_ne!(key(one), key(other), "{one} and {other}");
    }
}

#[test]
fn a_part_of_a_name_is_found_in_it_also_with_a_final_sigma() {
    for (part, name) in [
        ("ΣΊΣ", "ΣΊΣΥΦΟΣ"),
        ("σίς", "Σίσυφος"),
        ("STRASSE", "Straße"),
    ] {
        assert!(key(name).contains(&key(part)), "{part} in {name}");
    }
}

#[test]
fn the_key_of_a_letter_does_not_depend_on_its_case_and_is_idempotent() {
    // The dotless i shares its upper case with another letter.
    let has_case = |c: &char| *c != 'ı' && (c.to_uppercase().ne([*c]) || c.to_lowercase().ne([*c]));
    for c in ('\0'..=char::MAX).filter(has_case) {
        let own = key(&format!("({c})"));
        assert_eq!(key(&own), own, "the key of {c:?} again");
        for cased in [c.to_uppercase().to_string(), c.to_lowercase().to_string()] {
            assert_eq!(key(&format!("({cased})")), own, "{cased:?} and {c:?}");
        }
    }
}

#[test]
fn a_claim_stream_is_the_hash_of_the_key() {
    assert_eq!(
        NameKey::of(" TEA ").stream_id(),
        "a9f74d1ec36ebdeb2da3f6e5868090cd2a2d20b3dcca7b62f60304b1d3d9ef42"
    );
}

#[test]
fn an_expanded_key_still_has_a_short_stream_id() {
    let name = CategoryName::parse("name", &"\u{fdfa}".repeat(100)).unwrap();
    assert!(name.key().as_str().len() > 2704);
    assert_eq!(name.key().stream_id().len(), 64);
}

proptest! {
    #[test]
    fn spaces_around_a_name_do_not_count(name in "\\PC{0,40}", before in " {0,3}", after in "[ \t]{0,3}") {
        prop_assert_eq!(NameKey::of(&format!("{before}{name}{after}")), NameKey::of(&name));
    }

    #[test]
    fn ascii_case_does_not_count(name in "[ -~]{0,40}") {
        prop_assert_eq!(NameKey::of(&name.to_ascii_uppercase()), NameKey::of(&name));
    }

    #[test]
    fn two_names_share_a_stream_only_if_they_share_a_key(one in "\\PC{0,5}", other in "\\PC{0,5}") {
        let (one, other) = (NameKey::of(&one), NameKey::of(&other));
        prop_assert_eq!(one == other, one.stream_id() == other.stream_id());
    }
}
