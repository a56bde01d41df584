//! The outside, as sagas see it: actions under a key, that may be asked for and undone.

use async_trait::async_trait;

use super::definition::Saga;
use super::operation::{Failure, Key, Standing, Undone};

/// Carries out a saga's external steps. The engine puts a time limit on each call and may drop it at any point, so
/// every method must be safe to call again.
#[async_trait]
pub trait Effects<S: Saga>: Send + Sync + 'static {
    /// Does what the step asks for, at most once for the key.
    ///
    /// # Errors
    /// [`Failure`] says whether it can still happen.
    async fn act(&self, key: &Key, call: &S::Call) -> Result<S::Output, Failure>;

    /// Asks what became of an action.
    ///
    /// # Errors
    /// [`Failure`] if there is no answer; what kind does not matter.
    async fn look_up(&self, key: &Key, call: &S::Call) -> Result<Standing<S::Output>, Failure>;

    /// Reverses whatever happened under the key and closes it, so that an action that arrives later is refused. To
    /// undo twice is a success.
    ///
    /// # Errors
    /// [`Failure`] if it is not certain that it is undone.
    async fn undo(&self, key: &Key, call: &S::Call) -> Result<Undone, Failure>;
}
