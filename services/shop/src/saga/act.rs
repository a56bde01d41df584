//! `shop saga resume`, `retry`, `cancel`, `resolve`: the commands of an operator.

use clap::ArgMatches;
use contract::proto::saga_command_client::SagaCommandClient;
use contract::proto::{ResolveSagaParam, SagaActionParam, SagaActionResult};
use platform::runtime::GrpcChannel;
use sagas::SagaStatus;
use serde::Serialize;
use tonic::{Request, Response, Status};

use super::model::{Saga, State};
use super::show::status_text;
use crate::remote::{CommandError, command, reject_error, write_side};
use crate::terminal::{Output, actor, line, new_id, text_of};

/// The command, and the saga after it.
#[derive(Debug, Serialize)]
struct ActionReply {
    act: String,
    /// No event was written, because there was nothing to do.
    unchanged: bool,
    saga: Saga,
}

pub async fn run(act: &str, arguments: &ArgMatches) -> Result<(), CommandError> {
    let (who, reason) = actor(arguments);
    let param = SagaActionParam {
        saga_id: text_of(arguments, "id"),
        who,
        reason,
    };
    let is_close = act == "resolve" && arguments.get_flag("close");
    let act = if is_close { "close" } else { act };
    let command_id = new_id();
    let request = || command(param.clone(), command_id, &param.who);
    let reply = write_side(arguments, SagaCommandClient::new)?
        .call(request, async |client, request| {
            send(act, client, request).await
        })
        .await?;
    reject_error(reply.error)?;
    let done = ActionReply {
        act: act.to_owned(),
        unchanged: reply.unchanged,
        saga: reply.saga.unwrap_or_default().into(),
    };
    Output::of(arguments).write(&done, report);
    Ok(())
}

async fn send(
    act: &str,
    mut client: SagaCommandClient<GrpcChannel>,
    request: Request<SagaActionParam>,
) -> Result<Response<SagaActionResult>, Status> {
    match act {
        "resume" => client.resume_saga(request).await,
        "retry" => client.retry_saga(request).await,
        "cancel" => client.cancel_saga(request).await,
        resolve => {
            let close = resolve == "close";
            let request = request.map(|param| ResolveSagaParam {
                saga_id: param.saga_id,
                who: param.who,
                reason: param.reason,
                close,
            });
            client.resolve_saga(request).await
        }
    }
}

fn report(done: &ActionReply) -> String {
    let (id, order_id) = (line(&done.saga.id), line(&done.saga.order_id));
    let what = match (done.act.as_str(), done.unchanged) {
        (_, true) => "There was nothing to do, so nothing was written.".to_owned(),
        ("resume", _) => "The saga resumes.".to_owned(),
        ("retry", _) => "The next try is made now.".to_owned(),
        ("cancel", _) => format!("Order {order_id} is being cancelled."),
        ("close", _) => format!("The saga is closed, and order {order_id} has failed permanently."),
        _ => "The step is recorded as done manually; the saga resumes.".to_owned(),
    };
    let saga = format!("Saga {id} is {}.", status_text(&done.saga));
    let see = if done.saga.state == State::Known(SagaStatus::Failed) {
        String::new()
    } else {
        format!("\nSee the result: shop saga show {id}")
    };
    format!("{what}\n{saga}{see}")
}
