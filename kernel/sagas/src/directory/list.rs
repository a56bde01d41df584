//! The list of open sagas.

use std::pin::pin;
use std::sync::Arc;

use event_sourcing::StoreError;
use futures::{StreamExt, stream};

use super::SagaDirectory;
use super::filter::SagaFilter;
use crate::summary::Summary;

/// Upper bound of sagas read for one page, however few of them match.
const MAX_SAGAS_READ: usize = 2_000;
/// How many are read concurrently: a list must leave most of the store's connections to commands.
const MAX_CONCURRENT_READS: usize = 4;

/// A page of open sagas, the latest ids first.
#[derive(Debug)]
pub struct SagaPage {
    /// Those that match.
    pub sagas: Vec<Summary>,
    /// The permanent errors of sagas that cannot be read. One of them does not hide the others.
    pub unreadable: Vec<StoreError>,
    /// The cursor of the next page; `None` on the last page.
    pub next: Option<String>,
}

impl SagaDirectory {
    /// A page of the open sagas that match the filter.
    ///
    /// # Errors
    /// [`StoreError`] if the event store cannot be read; retryable.
    pub async fn list(&self, wanted: &SagaFilter) -> Result<SagaPage, StoreError> {
        let mut open = self.engine.open();
        open.retain(|(saga_id, name)| {
            let is_after_cursor = wanted
                .after
                .as_deref()
                .is_none_or(|after| &**saga_id < after);
            is_after_cursor && wanted.has_type(name)
        });
        let (mut sagas, mut unreadable) = (Vec::new(), Vec::new());
        let mut looked_at = 0;
        let ids = open.iter().take(MAX_SAGAS_READ);
        let ids: Vec<Arc<str>> = ids.map(|(saga_id, _)| Arc::clone(saga_id)).collect();
        let looks = stream::iter(ids).map(|saga_id| async move { self.find(&saga_id).await });
        let mut found = pin!(looks.buffered(MAX_CONCURRENT_READS));
        while let Some(saga) = found.next().await {
            looked_at += 1;
            let saga = match saga {
                Ok(saga) => saga,
                Err(error) if error.is_retryable() => return Err(error),
                Err(error) => {
                    unreadable.push(error);
                    continue;
                }
            };
            // The index of open sagas lags behind the log, so a saga in it may already have ended.
            let open = saga.filter(|saga| !saga.status.is_end());
            sagas.extend(open.filter(|saga| wanted.matches(saga)));
            if sagas.len() == wanted.limit {
                break;
            }
        }
        let is_last = looked_at == open.len();
        let last = open.get(looked_at.saturating_sub(1)).filter(|_| !is_last);
        Ok(SagaPage {
            sagas,
            unreadable,
            next: last.map(|(saga_id, _)| saga_id.to_string()),
        })
    }
}
