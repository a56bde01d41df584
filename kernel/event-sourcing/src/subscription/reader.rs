//! A cursor in the log.

use std::fmt;
use std::sync::Arc;

use crate::id::Position;
use crate::store::{EventStore, Filter, LogPage, StoreError};

/// Reads the log page by page from a position, and waits at its end.
///
/// The position advances only with a page that was returned: after an error or a cancelled call, call again and no
/// event is missed.
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
    /// A reader of the events after `position` that `filter` matches, at most `page` of them at once.
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

    /// The position up to which the log was read.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether the last page reached the head of the log.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Waits at the end of the log until it has grown, maybe by events that do not match. Elsewhere it returns
    /// immediately.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn grown(&self) -> Result<(), StoreError> {
        if self.is_at_end {
            self.log.wait_for(self.position.next()).await?;
        }
        Ok(())
    }

    /// The page after the position, without waiting. It may be empty and still advance the position.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn page(&mut self) -> Result<LogPage, StoreError> {
        let page = self
            .log
            .read_all(self.position, &self.filter, self.page)
            .await?;
        // After the await: a failed or cancelled read leaves the position unchanged. It never decreases, even if the
        // log was restored to a shorter copy.
        self.position = page.read_up_to.max(self.position);
        self.is_at_end = page.read_up_to >= page.head;
        Ok(page)
    }

    /// Waits until the log has grown, and returns the next page.
    ///
    /// # Errors
    /// [`StoreError`] if the log cannot be read.
    pub async fn next(&mut self) -> Result<LogPage, StoreError> {
        self.grown().await?;
        self.page().await
    }
}
