//! The example runs and prints the expected lines.

use test_example::output;

#[test]
fn a_saga_with_a_provider() {
    let printed = output("saga", &[]);
    let lines: Vec<_> = printed.lines().collect();
    assert!(
        lines[0].starts_with("payout-1: alice has -1000"),
        "{printed}"
    );
    assert!(
        lines[1].starts_with("payout-2: alice has -1000"),
        "{printed}"
    );
}
