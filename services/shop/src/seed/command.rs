//! `shop seed` on the command line.

use clap::{Arg, ArgMatches, Command, value_parser};
use platform::StartError;

use super::run;
use crate::location::{self, Location};
use crate::terminal::{new_id, print};

const MAX_PRODUCTS: i64 = 1_000_000;

const ABOUT: &str = "\
Creates a sample catalogue in a running shop: 8 categories and the given number of products.

It uses the public GraphQL API as any client would. Categories and products that exist already, by name, are not
changed: a second run creates nothing, and an interrupted run is completed by the next one.";

pub fn command() -> Command {
    let products = Arg::new("products")
        .long("products")
        .value_name("N")
        .default_value("200")
        .value_parser(value_parser!(u32).range(0..=MAX_PRODUCTS))
        .help("The number of sample products, 0 to 1000000");
    Command::new("seed")
        .about("Create a sample catalogue in a running shop")
        .long_about(ABOUT)
        .arg(products)
        .args(location::args())
}

/// Runs `shop seed`.
///
/// # Errors
/// The shop does not answer, or rejects a request.
pub async fn fill(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some(&products) = arguments.get_one::<u32>("products") else {
        unreachable!("the argument has a default");
    };
    let started = std::time::Instant::now();
    let gateway = Location::of(arguments)?.gateway;
    let outcome = run::run(gateway, products, new_id())
        .await
        .map_err(|error| StartError::failed("seed", error))?;
    let seconds = started.elapsed().as_secs_f64();
    print(&outcome.describe(products, seconds));
    Ok(())
}
