//! Changes after a position, read apart from the feed.

use std::sync::Arc;
use std::time::Duration;

use authentication::Caller;
use contract::query::FollowChangesRequest;
use contract::query::change_query_client::ChangeQueryClient;
use graphql_http::Origin;
use grpc_calls::{Effect, Method, count};
use platform::runtime::{GrpcChannel, MAX_ENCODED_BYTES};
use tokio::time::{Instant, timeout_at};
use tonic::{Request, Status, Streaming};

use super::super::services::Services;
use super::notice::Notice;
use super::selection::Selection;

pub(super) use contract::query::FollowChangesResponse;

const METHOD: Method = Method {
    service: "query.ChangeQuery",
    name: "FollowChanges",
    effect: Effect::Read,
};

/// The maximum number of changes of a page.
const MAX_PAGE_SIZE: usize = 200;

/// The timeout of a page. The read side may have to wait until it reflects the changes.
const PAGE_TIMEOUT: Duration = Duration::from_secs(10);

/// Some changes in the order of the log.
#[derive(Debug)]
pub struct Page {
    pub notices: Vec<Arc<Notice>>,
    /// There is no other selected change up to here.
    pub position: u64,
}

impl Services {
    /// The changes that `selection` selects after `after`, up to `end` or the length of a page.
    ///
    /// # Errors
    /// The read side does not answer, or has not reached the position of a change.
    pub(crate) async fn changes_after(
        &self,
        origin: &Origin,
        selection: &Selection,
        (after, end): (u64, u64),
    ) -> Result<Page, Status> {
        let deadline = Instant::now() + PAGE_TIMEOUT;
        let request = FollowChangesRequest {
            after: Some(after),
            kinds: vec![selection.kind.into()],
            ids: selection.ids.clone().unwrap_or_default(),
            without_rows: true,
        };
        let read = async {
            let mut stream = self.follow_changes(origin, request).await?;
            let mut page = Page {
                notices: Vec::new(),
                position: after,
            };
            while page.notices.len() < MAX_PAGE_SIZE && page.position < end {
                let message = stream.message().await?.ok_or_else(ended)?;
                page.position = message.position;
                page.notices.extend(notice(message));
            }
            Ok(page)
        };
        timeout_at(deadline, read).await.unwrap_or_else(|_| {
            Err(Status::deadline_exceeded(
                "the read side has not reached the changes in time",
            ))
        })
    }

    /// Opens a stream of changes, of all orders too: what a subscriber gets of them is decided before it is sent. It has no
    /// deadline.
    pub(super) async fn follow_changes(
        &self,
        origin: &Origin,
        message: FollowChangesRequest,
    ) -> Result<Streaming<FollowChangesResponse>, Status> {
        let origin = origin.sent_by(Caller::gateway());
        let mut request = Request::new(message);
        self.annotate(&origin, request.metadata_mut());
        let opened = client(self.channels().query.clone())
            .follow_changes(request)
            .await;
        count(METHOD, opened.as_ref().err());
        Ok(opened?.into_inner())
    }
}

fn client(channel: GrpcChannel) -> ChangeQueryClient<GrpcChannel> {
    ChangeQueryClient::new(channel).max_decoding_message_size(MAX_ENCODED_BYTES)
}

/// The change of a message, if it has one.
pub(super) fn notice(message: FollowChangesResponse) -> Option<Arc<Notice>> {
    let change = message.change?;
    let kind = change.kind();
    Some(Arc::new(Notice::new(message.position, kind, change.id)))
}

pub(super) fn ended() -> Status {
    Status::unavailable("the stream of changes ended")
}
