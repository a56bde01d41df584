//! The help texts are compared with `docs/reference/command-line.md`; here is how they are asked for.

use std::process::Command;

#[test]
fn help_is_also_a_command() {
    let help_of = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_shop"))
            .args(arguments)
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    };
    assert_eq!(help_of(&["help"]), help_of(&["--help"]));
    assert_eq!(
        help_of(&["help", "order", "list"]),
        help_of(&["order", "list", "--help"])
    );
    assert_eq!(
        help_of(&["saga", "help", "show"]),
        help_of(&["saga", "show", "--help"])
    );
}
