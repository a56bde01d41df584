//! Plans a show: `plan ID TITLE SEATS`.

use std::error::Error;

use box_office::app::{App, context};
use box_office::plan::PlanShow;
use event_sourcing::ExecuteError;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("usage: plan ID TITLE SEATS");
    let command = PlanShow {
        id: next()?,
        title: next()?,
        seats: next()?.parse()?,
    };
    let app = App::open().await?;
    match app.executor.execute(&command, &context()).await {
        Ok(done) => println!(
            "{} seats are for sale, at position {}",
            done.reply, done.position
        ),
        Err(ExecuteError::Rejected { rejection, .. }) => println!("rejected: {rejection}"),
        Err(error) => return Err(error.into()),
    }
    app.close().await;
    Ok(())
}
