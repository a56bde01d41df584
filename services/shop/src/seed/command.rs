//! `shop seed` on the command line.

use clap::{Arg, ArgMatches, Command, value_parser};
use platform::StartError;

use super::run;
use crate::location::{self, Location};
use crate::terminal::{new_id, print};

/// The most products that it makes.
const MAX_PRODUCTS: i64 = 1_000_000;

const ABOUT: &str = "\
Puts a sample catalogue into a running shop: 8 categories, and as many products as you say.

It goes through the public GraphQL API as any client would. What is there already, by name, is left alone: a
second run changes nothing and says so, and a run that was stopped is finished by the next one.";

pub fn command() -> Command {
    let products = Arg::new("products")
        .long("products")
        .value_name("N")
        .default_value("200")
        .value_parser(value_parser!(u32).range(0..=MAX_PRODUCTS))
        .help("How many of the sample products there shall be, 0 to 1000000");
    Command::new("seed")
        .about("Put a sample catalogue into a running shop")
        .long_about(ABOUT)
        .arg(products)
        .args(location::args())
}

/// Does it.
///
/// # Errors
/// The shop does not answer, or refuses something.
pub async fn fill(arguments: &ArgMatches) -> Result<(), StartError> {
    let Some(&products) = arguments.get_one::<u32>("products") else {
        unreachable!("it has a default");
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
