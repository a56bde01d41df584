use domain::value::{
    CategoryName, Description, EntityId, ProductName, Quantity, Reason, Reference, SearchTerm,
    ShippingAddress, StockLevel, TrackingNumber, UserId, parse_expected_version,
};
use domain::{DomainError, ValidationError};
use event_sourcing::Version;
use uuid::Uuid;

fn message<T>(parsed: Result<T, ValidationError>) -> String {
    parsed.err().expect("a rejection").message
}

#[test]
fn names_are_trimmed_before_they_are_measured() {
    let name = format!("  {}\u{3000}\n", "n".repeat(100));
    assert_eq!(
        CategoryName::parse("name", &name).unwrap().as_str(),
        "n".repeat(100)
    );
}

type Parse = fn(&str, &str) -> Result<(), ValidationError>;

/// Every kind of text, with its minimum and maximum number of characters.
const TEXTS: [(Parse, usize, usize); 11] = [
    (
        |field, text| CategoryName::parse(field, text).map(drop),
        1,
        100,
    ),
    (
        |field, text| ProductName::parse(field, text).map(drop),
        1,
        200,
    ),
    (
        |field, text| Description::parse(field, text).map(drop),
        0,
        1_000,
    ),
    (|field, text| Reason::parse(field, text).map(drop), 0, 1_000),
    (
        |field, text| SearchTerm::parse(field, text).map(drop),
        0,
        255,
    ),
    (|field, text| UserId::parse(field, text).map(drop), 1, 255),
    (
        |field, text| Reference::parse(field, text).map(drop),
        1,
        255,
    ),
    (
        |field, text| TrackingNumber::parse(field, text).map(drop),
        1,
        255,
    ),
    (|_, text| part_of_address([text, "", ""]), 0, 255),
    (|_, text| part_of_address(["", text, ""]), 0, 255),
    (|_, text| part_of_address(["", "", text]), 0, 20),
];

/// The error of the only invalid part, under the name `f`.
fn part_of_address([street, city, code]: [&str; 3]) -> Result<(), ValidationError> {
    let Err(findings) = ShippingAddress::parse("f", street, city, code) else {
        return Ok(());
    };
    let DomainError::Validation(mut errors) = findings.into() else {
        unreachable!("findings are validation errors")
    };
    let mut error = errors.pop().expect("a finding");
    error.message = error.message.replace(&error.field, "f");
    Err(error)
}

#[test]
fn every_text_has_its_limits_in_characters() {
    for (parse, min, max) in TEXTS {
        let limit = match min {
            0 => format!("at most {max}"),
            _ => format!("{min} to {max}"),
        };
        assert_eq!(parse("f", &"🍵".repeat(max)), Ok(()), "{limit}");
        assert_eq!(
            message(parse("f", &"🍵".repeat(max + 1))),
            format!("f must have {limit} characters, got {}", max + 1)
        );
        let empty = parse("f", "");
        if min == 0 {
            assert_eq!(empty, Ok(()));
        } else {
            assert_eq!(
                message(empty),
                format!("f must have {limit} characters, got 0")
            );
        }
    }
}

#[test]
fn u_0000_is_rejected_everywhere() {
    for (parse, _, _) in TEXTS {
        assert_eq!(
            message(parse("f", "a\0b")),
            "f must not contain U+0000, got \"a\\0b\""
        );
    }
}

#[test]
fn a_name_is_not_blank() {
    for blank in ["   ", "\t\u{3000}", " \t\n "] {
        assert_eq!(
            message(ProductName::parse("name", blank)),
            "name must have 1 to 200 characters, got 0"
        );
        assert_eq!(
            message(CategoryName::parse("name", blank)),
            "name must have 1 to 100 characters, got 0"
        );
    }
}

#[test]
fn special_characters_have_no_special_meaning() {
    for odd in [
        "Robert'); DROP TABLE events;--",
        "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} %_\\",
        "\u{202E}right to left\u{202C}",
        "{\"$gt\": \"\"} <script>alert(1)</script>",
        "null",
    ] {
        for (parse, _, max) in TEXTS {
            assert_eq!(parse("f", odd).is_ok(), odd.chars().count() <= max, "{odd}");
        }
    }
}

#[test]
fn search_terms_are_folded_as_names_are() {
    let term = SearchTerm::parse("searchTerm", " ＴＥＡ ").unwrap();
    assert_eq!(term.key().as_str(), "tea");
}

#[test]
fn ids_have_a_small_alphabet() {
    for good in ["a", "A-1_b.c", &"x".repeat(64)] {
        assert_eq!(EntityId::parse("id", good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "a b",
        "ä",
        "a/b",
        " ",
        "a'; DROP TABLE events; --",
        "😀",
        "%",
        "\0",
        "a\0",
        &"x".repeat(65),
    ] {
        let rejection = message(EntityId::parse("categoryId", bad));
        assert!(
            rejection
                .starts_with("categoryId must be 1 to 64 letters, digits, '-', '_' or '.', got \""),
            "{rejection}"
        );
    }
    let made = EntityId::from(Uuid::nil());
    assert_eq!(EntityId::parse("id", made.as_str()), Ok(made));
}

#[test]
fn a_long_rejected_text_is_truncated() {
    let rejection = message(EntityId::parse("id", &"é".repeat(1 << 20)));
    assert!(
        rejection.ends_with(&format!("\"{}\"…", "é".repeat(100))),
        "{rejection}"
    );
}

#[test]
fn counts_have_their_limits() {
    assert_eq!(StockLevel::parse("quantity", 0).unwrap(), StockLevel::ZERO);
    assert_eq!(
        StockLevel::parse("quantity", 1_000_000_000).unwrap().get(),
        1_000_000_000
    );
    assert_eq!(Quantity::parse("quantity", 1_000).unwrap().get(), 1_000);
    for bad in [-1, 1_000_000_001, i64::MIN, i64::MAX] {
        assert_eq!(
            message(StockLevel::parse("stockQuantity", bad)),
            format!("stockQuantity must be 0 to 1000000000, got {bad}")
        );
    }
    for bad in [0, -1, 1_001] {
        assert_eq!(
            message(Quantity::parse("quantity", bad)),
            format!("quantity must be 1 to 1000, got {bad}")
        );
    }
}

#[test]
fn an_expected_version_is_not_negative() {
    assert_eq!(parse_expected_version("expectedVersion", 3), Ok(Version(3)));
    assert_eq!(
        message(parse_expected_version("expectedVersion", -1)),
        "expectedVersion must be 0 or more, got -1"
    );
    assert!(parse_expected_version("expectedVersion", i64::MIN).is_err());
}
