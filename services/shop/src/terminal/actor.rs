//! Who does something that is written down, and why.

use clap::Arg;

/// The flags `--reason` and `--who`. Both are required; the login name stands in for `--who`.
pub fn actor_args() -> [Arg; 2] {
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("WHY")
        .required(true)
        .help("Why you do it, 1 to 1000 characters");
    let who = Arg::new("who")
        .long("who")
        .value_name("NAME")
        .help("Who you are, 1 to 255 characters [default: your login name]");
    let who = match login_name() {
        Some(name) => who.default_value(name).hide_default_value(true),
        None => who.required(true),
    };
    [reason, who]
}

fn login_name() -> Option<String> {
    let named = ["LOGNAME", "USER"].into_iter();
    named
        .filter_map(|variable| std::env::var(variable).ok())
        .find(|name| !name.is_empty())
}
