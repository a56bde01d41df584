//! `query.ChangeQuery`.

use std::pin::Pin;

use contract::query::change_query_server::ChangeQuery;
use contract::query::{FollowChangesRequest, FollowChangesResponse};
use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::super::request::status;
use super::{input, reply};
use crate::changes::{ChangeStream, Changes};

pub(in crate::grpc) struct ChangeApi {
    changes: Changes,
    /// Ends the streams: a stop waits for all calls.
    stopping: CancellationToken,
}

impl ChangeApi {
    pub(in crate::grpc) fn new(changes: Changes, stopping: CancellationToken) -> Self {
        Self { changes, stopping }
    }
}

type Messages = Pin<Box<dyn Stream<Item = Result<FollowChangesResponse, Status>> + Send>>;

/// Counts a stream as open until it is dropped.
struct OpenStream;

impl OpenStream {
    fn new() -> Self {
        metrics::gauge!("change_streams").increment(1);
        Self
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        metrics::gauge!("change_streams").decrement(1);
    }
}

#[tonic::async_trait]
impl ChangeQuery for ChangeApi {
    type FollowChangesStream = Messages;

    async fn follow_changes(
        &self,
        request: Request<FollowChangesRequest>,
    ) -> Result<Response<Messages>, Status> {
        let request = request.into_inner();
        let selection = input::selection(&request)?;
        let after = input::after(&request)?;
        let followed = self.changes.follow(selection, after).await;
        let followed = followed.map_err(|error| status(&error))?;
        Ok(Response::new(messages(followed, self.stopping.clone())))
    }
}

fn messages(followed: ChangeStream, stopping: CancellationToken) -> Messages {
    let start = (followed, stopping, OpenStream::new());
    let batches = stream::try_unfold(start, async |(mut followed, stopping, open)| {
        let Some(next) = stopping.run_until_cancelled(followed.next()).await else {
            return Err(Status::unavailable("the service is stopping"));
        };
        let batch = next.map_err(|error| status(&error))?;
        Ok(Some((batch, (followed, stopping, open))))
    });
    let messages = batches.map_ok(|batch| stream::iter(reply::messages(&batch)).map(Ok));
    messages.try_flatten().boxed()
}
