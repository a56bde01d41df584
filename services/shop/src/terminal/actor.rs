//! The operator's name and reason, which are recorded in the log with each operator command.

use clap::{Arg, ArgMatches};

/// The flags `--reason`, which is required, and `--who`, which defaults to the login name.
pub fn actor_args() -> [Arg; 2] {
    let reason = Arg::new("reason")
        .long("reason")
        .value_name("REASON")
        .required(true)
        .help("The reason, recorded in the log, 1 to 1000 characters");
    let who = Arg::new("who")
        .long("who")
        .value_name("NAME")
        .default_value(login_name())
        .hide_default_value(true)
        .help("The operator's name, recorded in the log, 1 to 255 characters [default: your login name]");
    [reason, who]
}

/// The values of the flags of [`actor_args`]: name and reason.
pub fn actor(arguments: &ArgMatches) -> (String, String) {
    (text_of(arguments, "who"), text_of(arguments, "reason"))
}

/// A text argument; empty if it was not given.
pub fn text_of(arguments: &ArgMatches, name: &str) -> String {
    let text = arguments.get_one::<String>(name).cloned();
    text.unwrap_or_default()
}

/// `LOGNAME` or `USER`, else the name in `/etc/passwd` of this process's user, else its user id: containers and services
/// often have no such variables, and not every user id has a name.
pub fn login_name() -> String {
    let variables = ["LOGNAME", "USER"].into_iter();
    let mut named = variables.filter_map(|variable| std::env::var(variable).ok());
    named.find(|name| !name.is_empty()).unwrap_or_else(|| {
        let id = rustix::process::getuid().as_raw();
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        name_of(id, &users).unwrap_or_else(|| format!("user {id}"))
    })
}

/// The name of a user id in the text of `/etc/passwd`.
fn name_of(id: u32, users: &str) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(id) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nada:x:1000:100::/home/ada:/bin/sh\n";
        assert_eq!(name_of(1000, users).as_deref(), Some("ada"));
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(100, users), None);
    }
}
