//! Runs the examples and checks their output.

use test_example::output;

#[test]
fn an_aggregate_with_a_command() {
    let printed = output("aggregate", &[]);
    let lines: Vec<_> = printed.lines().collect();
    assert_eq!(lines[0], "380 cents at position 2");
    assert!(lines[1].contains("has: 380, wants: 1000"), "{printed}");
}

#[test]
fn a_projection_and_an_event_handler() {
    let printed = output("projection", &[]);
    let thanks = |line: &&str| line.starts_with("thanks/") && line.ends_with("for 500 cents");
    assert_eq!(printed.lines().filter(thanks).count(), 3, "{printed}");
    assert!(
        printed.ends_with("{\"alice\": 1000, \"bob\": 500}\n"),
        "{printed}"
    );
}
