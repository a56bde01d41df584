//! A place in the log that moves on.

use std::fmt;
use std::sync::Arc;

use crate::id::Position;
use crate::store::{EventStore, Filter, LogPage, StoreError};

/// Reads the log from a position on, page by page, and waits at its end.
///
/// Its place moves only with a page that was read: who drops a call under way, or gets an error, calls again and misses
/// nothing.
pub struct LogReader {
    log: Arc<dyn EventStore>,
    filter: Filter,
    page: usize,
    position: Position,
    is_at_end: bool,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("position", &self.position)
            .field("is_at_end", &self.is_at_end)
            .finish_non_exhaustive()
    }
}

impl LogReader {
    /// A reader of the events after `position` that `filter` selects, at most `page` of them at once.
    #[must_use]
    pub fn new(log: Arc<dyn EventStore>, filter: Filter, page: usize, position: Position) -> Self {
        Self {
            log,
            filter,
            page,
            position,
            is_at_end: false,
        }
    }

    /// The log was read up to here.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether the log went no further when the last page was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Waits until the log is known or likely to have events after the position, selected ones or others.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn grown(&self) -> Result<(), StoreError> {
        if self.is_at_end {
            self.log.wait_for(self.position.next()).await?;
        }
        Ok(())
    }

    /// The page after the position, as it is now. It may be empty, and still move the position.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn page(&mut self) -> Result<LogPage, StoreError> {
        let page = self
            .log
            .read_all(self.position, &self.filter, self.page)
            .await?;
        self.position = page.read_up_to.max(self.position);
        self.is_at_end = page.read_up_to >= page.head;
        Ok(page)
    }

    /// The next page, once there is one.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn next(&mut self) -> Result<LogPage, StoreError> {
        self.grown().await?;
        self.page().await
    }
}
