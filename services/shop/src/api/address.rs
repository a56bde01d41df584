//! Where the shop is: the flag `--url`.

use clap::{Arg, ArgMatches};

use super::http::BaseUrl;

const URL: &str = "url";

/// The flag.
pub fn url() -> Arg {
    Arg::new(URL)
        .long(URL)
        .value_name("URL")
        .default_value("http://127.0.0.1:4000")
        .value_parser(|text: &str| {
            BaseUrl::parse(text)
                .ok_or("accepted: http://HOST:PORT, where the shop's gateway listens")
        })
        .help("Where the shop's gateway listens")
}

/// What it says.
pub fn address(arguments: &ArgMatches) -> BaseUrl {
    let Some(url) = arguments.get_one::<BaseUrl>(URL) else {
        unreachable!("it has a default");
    };
    url.clone()
}
