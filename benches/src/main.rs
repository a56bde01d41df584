//! Measurements, each compared with its limit. The method is described in `benches/README.md`.

mod account;
mod app;
mod append;
mod arguments;
mod attack;
mod certificates;
mod database;
mod deposit_workload;
mod gateway;
mod idle;
mod ids;
mod limits;
mod load;
mod measure;
mod process;
mod project;
mod report;
mod saga;
mod services;
mod subscribe;
mod visible;

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
        Bench::Append => append::run(options, report).await,
        Bench::Load => load::run(options, report).await,
        Bench::Project => project::run(options, report).await,
        Bench::Visible => visible::run(options, report).await,
        Bench::Subscribe => subscribe::run(options, report).await,
        Bench::Attack { tls } => attack::run(options, *tls, report).await,
        Bench::Idle => idle::run(options, report).await,
        Bench::Gateway => gateway::run(options, report).await,
        Bench::Saga => saga::run(options, report).await,
        Bench::Hot => saga::run_hot(options, report).await,
        Bench::Suspended => saga::run_suspended(options, report).await,
        Bench::ServeDirect { database } => limits::serve_direct(database).await,
    }
}
