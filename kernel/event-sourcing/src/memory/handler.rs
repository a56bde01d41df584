//! The progress of event handlers in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use parking_lot::Mutex;

use crate::handler::{HandlerProgress, HandlerStore, HandlerWrite};
use crate::lease::Token;
use crate::log::LogMark;
use crate::store::StoreError;

/// Stores the progress of handlers in memory, for tests and examples.
#[derive(Debug, Default)]
pub struct MemoryHandlerStore(Mutex<BTreeMap<String, Row>>);

#[derive(Debug, Default)]
struct Row {
    token: Option<Token>,
    progress: HandlerProgress,
}

#[async_trait]
impl HandlerStore for MemoryHandlerStore {
    async fn begin(
        &self,
        handler: &str,
        token: Token,
    ) -> Result<Option<HandlerProgress>, StoreError> {
        let mut rows = self.0.lock();
        let row = rows.entry(handler.to_owned()).or_default();
        if row.token.is_some_and(|present| present > token) {
            return Ok(None);
        }
        row.token = Some(token);
        Ok(Some(row.progress.clone()))
    }

    async fn progress(&self, handler: &str) -> Result<HandlerProgress, StoreError> {
        let rows = self.0.lock();
        let row = rows.get(handler);
        Ok(row.map(|row| row.progress.clone()).unwrap_or_default())
    }

    async fn write(&self, handler: &str, write: HandlerWrite) -> Result<bool, StoreError> {
        let mut rows = self.0.lock();
        let row = rows.entry(handler.to_owned()).or_default();
        if row.token != Some(write.token) {
            return Ok(false);
        }
        let HandlerProgress { mark, parked } = &mut row.progress;
        *mark = Some(write.mark);
        parked.retain(|known| {
            let mut changed = write.parked.iter().map(|row| &row.stream);
            !write.released.contains(&known.stream) && changed.all(|stream| *stream != known.stream)
        });
        parked.extend(write.parked);
        parked.sort_by(|a, b| a.stream.cmp(&b.stream));
        Ok(true)
    }

    async fn accept(&self, mark: LogMark) -> Result<(), StoreError> {
        for row in self.0.lock().values_mut() {
            row.token = None;
            let known = row.progress.mark.replace(mark);
            let is_same = known.is_some_and(|known| known.log == mark.log);
            row.progress
                .parked
                .retain(|parked| is_same && parked.position <= mark.position);
        }
        Ok(())
    }
}
