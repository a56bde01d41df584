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
fn the_shop_explains_itself() {
    check("help.txt", &help(&[]));
}

#[test]
fn help_is_a_command_too() {
    let told = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_shop"))
            .args(arguments)
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{arguments:?}");
        output.stdout
    };
    assert_eq!(told(&["help"]), told(&["--help"]));
    assert_eq!(
        told(&["help", "order", "list"]),
        told(&["order", "list", "--help"])
    );
    assert_eq!(
        told(&["saga", "help", "show"]),
        told(&["saga", "show", "--help"])
    );
}

#[test]
fn each_command_explains_itself() {
    for command in [
        "seed",
        "healthcheck",
        "migrate",
        "order",
        "saga",
        "projections",
        "handlers",
        "events",
    ] {
        check(&format!("help-{command}.txt"), &help(&[command]));
    }
}

#[test]
fn each_command_on_orders_explains_itself() {
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
fn each_command_on_sagas_explains_itself() {
    for command in ["list", "show", "resume", "retry", "cancel", "resolve"] {
        check(
            &format!("help-saga-{command}.txt"),
            &help(&["saga", command]),
        );
    }
}

#[test]
fn each_command_on_projections_explains_itself() {
    for command in ["list", "show", "resume", "skip"] {
        check(
            &format!("help-projections-{command}.txt"),
            &help(&["projections", command]),
        );
    }
}

#[test]
fn each_command_on_handlers_explains_itself() {
    for command in ["list", "show", "pause", "resume", "skip"] {
        check(
            &format!("help-handlers-{command}.txt"),
            &help(&["handlers", command]),
        );
    }
}

#[test]
fn each_command_on_events_explains_itself() {
    check("help-events-show.txt", &help(&["events", "show"]));
}
