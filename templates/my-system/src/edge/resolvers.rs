//! What the resolvers use.

use std::sync::Arc;

use event_sourcing::Executor;
use sagas::SagaDirectory;

use crate::accounts::AccountQueries;

#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) executor: Arc<Executor>,
    pub(crate) accounts: AccountQueries,
    pub(crate) sagas: SagaDirectory,
}
