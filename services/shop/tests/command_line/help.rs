use std::process::Command;

use crate::golden::check;

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(arguments)
        .arg("--help")
        .env("LOGNAME", "keeper")
        .output()
        .expect("the binary runs");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn the_help_of_the_shop_matches_its_golden_file() {
    check("help.txt", &help(&[]));
}

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

#[test]
fn the_help_of_each_command_matches_its_golden_file() {
    for command in [
        "seed",
        "backup",
        "restore",
        "doctor",
        "config",
        "healthcheck",
        "migrate",
        "order",
        "saga",
        "projections",
        "handlers",
        "events",
        "snapshots",
        "token",
    ] {
        check(&format!("help-{command}.txt"), &help(&[command]));
    }
}

#[test]
fn the_help_of_order_commands_matches_their_golden_files() {
    for command in [
        "place", "follow", "list", "show", "cancel", "ship", "deliver",
    ] {
        check(
            &format!("help-order-{command}.txt"),
            &help(&["order", command]),
        );
    }
}

#[test]
fn the_help_of_saga_commands_matches_their_golden_files() {
    for command in ["list", "show", "resume", "retry", "cancel", "resolve"] {
        check(
            &format!("help-saga-{command}.txt"),
            &help(&["saga", command]),
        );
    }
}

#[test]
fn the_help_of_projection_commands_matches_their_golden_files() {
    for command in [
        "list", "show", "pause", "resume", "skip", "rebuild", "swap", "revert", "drop", "abort",
    ] {
        check(
            &format!("help-projections-{command}.txt"),
            &help(&["projections", command]),
        );
    }
}

#[test]
fn the_help_of_handler_commands_matches_their_golden_files() {
    for command in ["list", "show", "pause", "resume", "skip"] {
        check(
            &format!("help-handlers-{command}.txt"),
            &help(&["handlers", command]),
        );
    }
}

#[test]
fn the_help_of_event_commands_matches_their_golden_files() {
    for command in ["tail", "show", "stream", "verify", "export", "import"] {
        check(
            &format!("help-events-{command}.txt"),
            &help(&["events", command]),
        );
    }
}

#[test]
fn the_help_of_snapshot_commands_matches_their_golden_files() {
    for command in ["list", "show", "delete"] {
        check(
            &format!("help-snapshots-{command}.txt"),
            &help(&["snapshots", command]),
        );
    }
}
