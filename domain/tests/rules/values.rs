use domain::ValidationError;
use domain::value::{
    CategoryName, Description, EntityId, ProductName, Quantity, Reason, SearchTerm, StockLevel,
    UserId, parse_expected_version,
};
use event_sourcing::Version;
use uuid::Uuid;

fn message<T>(parsed: Result<T, ValidationError>) -> String {
    parsed.err().expect("a refusal").message
}

#[test]
fn names_are_trimmed_before_they_are_measured() {
    let name = format!("  {}\u{3000}\n", "n".repeat(100));
    assert_eq!(
        CategoryName::parse("name", &name).unwrap().as_str(),
        "n".repeat(100)
    );
}

#[test]
fn lengths_count_characters_not_bytes() {
    assert!(CategoryName::parse("name", &"🍵".repeat(100)).is_ok());
    assert!(ProductName::parse("name", &"🍵".repeat(200)).is_ok());
    assert_eq!(
        message(CategoryName::parse("name", &"🍵".repeat(101))),
        "name must have 1 to 100 characters, got 101"
    );
    assert_eq!(
        message(ProductName::parse("name", &"n".repeat(201))),
        "name must have 1 to 200 characters, got 201"
    );
}

#[test]
fn a_name_is_not_empty() {
    for empty in ["", "   ", "\t\u{3000}"] {
        assert_eq!(
            message(ProductName::parse("name", empty)),
            "name must have 1 to 200 characters, got 0"
        );
    }
}

#[test]
fn the_zero_character_is_nowhere() {
    let refusals = [
        message(CategoryName::parse("f", "a\0b")),
        message(ProductName::parse("f", "a\0b")),
        message(Description::parse("f", "a\0b")),
        message(Reason::parse("f", "a\0b")),
        message(UserId::parse("f", "a\0b")),
        message(SearchTerm::parse("f", "a\0b")),
    ];
    for refusal in refusals {
        assert_eq!(refusal, "f must not contain U+0000, got \"a\\0b\"");
    }
}

#[test]
fn other_texts_have_their_limits() {
    assert!(Description::parse("description", &"d".repeat(1_000)).is_ok());
    assert!(Reason::parse("reason", "").is_ok());
    assert_eq!(
        message(Description::parse("description", &"d".repeat(1_001))),
        "description must have at most 1000 characters, got 1001"
    );
    assert_eq!(
        message(Reason::parse("reason", &"r".repeat(1_001))),
        "reason must have at most 1000 characters, got 1001"
    );
    assert_eq!(
        message(SearchTerm::parse("searchTerm", &"s".repeat(256))),
        "searchTerm must have at most 255 characters, got 256"
    );
    assert_eq!(
        message(UserId::parse("userId", "")),
        "userId must have 1 to 255 characters, got 0"
    );
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
        "a'; DROP TABLE events; --",
        "\0",
        &"x".repeat(65),
    ] {
        let refusal = message(EntityId::parse("categoryId", bad));
        assert!(
            refusal
                .starts_with("categoryId must be 1 to 64 letters, digits, '-', '_' or '.', got \""),
            "{refusal}"
        );
    }
    let made = EntityId::from(Uuid::nil());
    assert_eq!(EntityId::parse("id", made.as_str()), Ok(made));
}

#[test]
fn a_long_refused_text_is_cut() {
    let refusal = message(EntityId::parse("id", &"é".repeat(1 << 20)));
    assert!(
        refusal.ends_with(&format!("\"{}\"…", "é".repeat(40))),
        "{refusal}"
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
    for bad in [0, 1_001] {
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
}
