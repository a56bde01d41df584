//! Measurements, each beside its limit. The method is in `benches/README.md`.

mod arguments;
mod database;
mod ids;
mod limits;
mod measure;
mod report;
mod subject;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Bench};
use report::Report;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut report = Report::new(arguments.options.json);
    match run(&arguments, &mut report).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("benches: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, report: &mut Report) -> anyhow::Result<()> {
    let options = &arguments.options;
    match &arguments.bench {
        Bench::Limits => limits::run(options, report).await,
        Bench::ServeDirect { database } => limits::serve_direct(database).await,
    }
}
