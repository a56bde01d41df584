//! An invalid setting or flag exits with 2 and names what is accepted; a failure at run time exits with 1.

use std::net::TcpListener;
use std::process::{Command, Output};

fn shop(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary runs")
}

fn error_line(output: &Output) -> &str {
    let text = std::str::from_utf8(&output.stderr).expect("text");
    assert_eq!(text.lines().count(), 1, "more than one line: {text}");
    text.trim_end()
}

#[test]
fn a_variable_that_does_not_parse_stops_the_start() {
    let output = shop(&[], &[("POOL_SIZE", "many")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        error_line(&output),
        "error: POOL_SIZE is \"many\" (from the environment); accepted: 1 to 1000"
    );
}

#[test]
fn a_flag_wins_over_a_variable() {
    let output = shop(&["--pool-size", "0"], &[("POOL_SIZE", "many")]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        error_line(&output),
        "error: POOL_SIZE is \"0\" (from a flag); accepted: 1 to 1000"
    );
}

#[test]
fn a_folder_that_no_url_can_name_is_rejected() {
    let output = shop(&["--data-dir", "/tmp/100%"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        error_line(&output),
        "error: DATA_DIR is \"/tmp/100%\" (from a flag); accepted: a folder without ?, # and % in its path"
    );
}

#[test]
fn an_unknown_provider_stops_the_start_and_no_secret_is_printed() {
    let output = shop(&["--payments-url", "paypal://"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        error_line(&output),
        "error: PAYMENTS_URL is \"paypal://\" (from a flag); accepted: simulated:// or stripe+https://HOST or \
         stripe+http://LOOPBACK"
    );
    let secret = "sk_live_51abcdefghijklmnop";
    let url = format!("stripe+https://{secret}@api.stripe.com");
    let variables = [
        ("PAYMENTS_URL", url.as_str()),
        ("STRIPE_SECRET_KEY", secret),
    ];
    let output = shop(&[], &variables);
    assert_eq!(output.status.code(), Some(2));
    let line = error_line(&output);
    assert!(
        line.contains("***@api.stripe.com") && !line.contains(secret),
        "{line}"
    );
    // A secret has no flag, because all users of a machine can read the arguments of a process.
    assert_eq!(
        shop(&["--stripe-secret-key", secret], &[]).status.code(),
        Some(2)
    );
}

#[test]
fn an_address_that_others_can_reach_requires_insecure() {
    let output = shop(&["--client-http-addr", "0.0.0.0:0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_line(&output).contains("INSECURE=true (--insecure)"));
}

#[test]
fn an_unknown_flag_and_an_invalid_host_are_rejected() {
    assert_eq!(shop(&["--colour", "red"], &[]).status.code(), Some(2));
    assert_eq!(
        shop(&["seed", "--products", "-1"], &[]).status.code(),
        Some(2)
    );
    let output = shop(&["seed", "--client-service-host", "https://shop.test"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_line(&output).contains("CLIENT_SERVICE_HOST is \"https://shop.test\""));
}

#[test]
fn without_a_shop_seed_and_healthcheck_fail_with_a_reason() {
    // Nothing listens on port 1.
    let seed = shop(&["seed"], &NOWHERE);
    assert_eq!(seed.status.code(), Some(1));
    let expected = "nothing answers at http://127.0.0.1:1 (is the shop running? its address is set by \
                    CLIENT_SERVICE_HOST and CLIENT_SERVICE_PORT)";
    assert!(error_line(&seed).contains(expected));
    let check = shop(&["healthcheck"], &NOWHERE);
    assert_eq!(check.status.code(), Some(1));
    assert!(error_line(&check).contains("http://127.0.0.1:1/health"));
}

/// An address without a listener, given by the settings of the services and by those of the shop's listeners.
const NOWHERE: [(&str, &str); 3] = [
    ("CLIENT_HTTP_ADDR", "127.0.0.1:1"),
    ("COMMAND_SERVICE_PORT", "1"),
    ("QUERY_GRPC_ADDR", "127.0.0.1:1"),
];

#[test]
fn a_proxy_from_the_environment_is_not_used() {
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a port");
    proxy.set_nonblocking(true).expect("a listener");
    let url = format!("http://{}", proxy.local_addr().expect("an address"));
    let proxies = ["http_proxy", "HTTP_PROXY", "ALL_PROXY"].map(|name| (name, url.as_str()));
    let seed = shop(&["seed"], &[&NOWHERE[..], &proxies].concat());
    let line = error_line(&seed);
    assert!(
        line.contains("nothing answers at http://127.0.0.1:1"),
        "{line}"
    );
    let cause = "cannot connect: Connection refused";
    assert!(line.contains(cause), "{line}");
    assert!(proxy.accept().is_err(), "the proxy was used");
}

#[test]
fn without_services_commands_fail_and_print_the_address() {
    let list = shop(&["saga", "list"], &NOWHERE);
    assert_eq!(list.status.code(), Some(1));
    let line = error_line(&list);
    let expected = "error: saga list: no command-service answers at 127.0.0.1:1 (is it running? \
         its address is set by COMMAND_SERVICE_HOST and COMMAND_SERVICE_PORT): Connection refused";
    assert!(line.starts_with(expected), "{line}");
    let ended = shop(&["saga", "list", "--state", "failed"], &NOWHERE);
    assert_eq!(ended.status.code(), Some(1));
    assert!(error_line(&ended).contains("no query-service answers at 127.0.0.1:1"));
    let list = shop(&["projections", "list"], &NOWHERE);
    assert_eq!(list.status.code(), Some(1));
    assert!(error_line(&list).contains("no query-service answers at 127.0.0.1:1"));
    let show = shop(&["order", "show", "o-1"], &NOWHERE);
    assert_eq!(show.status.code(), Some(1));
    assert!(error_line(&show).contains("nothing answers at http://127.0.0.1:1"));
}

#[test]
fn invalid_arguments_of_commands_are_rejected() {
    let place = ["order", "place", "--user", "ada"];
    let act = ["saga", "resume", "s-1"];
    let skip = ["projections", "skip", "orders"];
    let wrong: [(&[&str], &[&str], &str); 14] = [
        (&["saga"], &[], "requires a subcommand"),
        (&["projections"], &[], "requires a subcommand"),
        (&skip, &["--who", "ada", "--reason", "why"], "<POSITION>"),
        (
            &skip,
            &["0", "--who", "ada", "--reason", "why"],
            "0 is not in 1..",
        ),
        (&skip, &["7", "--who", "ada"], "--reason"),
        (&["order"], &[], "requires a subcommand"),
        (&place, &[], "--item"),
        (&place, &["--item", "Sencha"], "accepted: PRODUCT=QUANTITY"),
        (
            &place,
            &["--item", "Sencha=3", "--city", "Bern"],
            "--street",
        ),
        (&act, &["--who", "ada"], "--reason"),
        (&["saga", "list"], &["--state", "lost"], "possible values"),
        (&["saga", "list"], &["--type", "refund"], "possible values"),
        (
            &["saga", "list"],
            &["--older-than", "soon"],
            "accepted: a number and a unit",
        ),
        (
            &["saga", "list"],
            &["--limit", "501"],
            "501 is not in 1..=500",
        ),
    ];
    for (command, rest, expected) in wrong {
        let output = shop(&[command, rest].concat(), &NOWHERE);
        assert_eq!(output.status.code(), Some(2), "{command:?} {rest:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(expected), "{expected:?} is not in: {text}");
    }
    for command in [
        &["saga", "list"][..],
        &["projections", "list"],
        &["order", "list"],
        &["seed"],
        &["healthcheck"],
    ] {
        for (name, value) in [
            ("COMMAND_SERVICE_PORT", "many"),
            ("QUERY_SERVICE_PORT", "99999"),
            ("CLIENT_SERVICE_HOST", "http://shop"),
            ("COMMAND_SERVICE_HOST", "command:50051"),
        ] {
            let output = shop(command, &[(name, value)]);
            assert_eq!(output.status.code(), Some(2), "{command:?} {name}");
            let expected = format!("{name} is {value:?}");
            assert!(error_line(&output).contains(&expected), "{command:?}");
        }
    }
}

#[test]
fn the_operator_name_needs_no_variable() {
    let act = ["saga", "resume", "s-1", "--reason", "why"];
    let output = shop(&act, &NOWHERE);
    // The arguments were accepted; only the service is missing.
    assert_eq!(output.status.code(), Some(1));
    assert!(error_line(&output).contains("no command-service answers"));
}
