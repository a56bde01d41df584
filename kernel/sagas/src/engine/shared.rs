//! The parts of an engine, shared by its tasks.

use std::sync::Arc;

use async_trait::async_trait;
use event_sourcing::clock::Clock;
use event_sourcing::execute::Executor;
use event_sourcing::lease::LeaseStore;
use event_sourcing::store::EventStore;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::config::EngineConfig;
use super::failures::Failures;
use super::ownership::Ownership;
use super::schedule::{NextWake, Schedule};
use crate::saga_type::SagaType;

/// Drives sagas of one kind, whatever its type.
#[async_trait]
pub(super) trait Driver: Send + Sync {
    /// The kind's name.
    fn name(&self) -> &'static str;

    /// The kind as the directory of a process has it.
    fn saga_type(&self) -> SagaType;

    /// The type of its sagas' streams.
    fn stream_type(&self) -> &'static str;

    /// Advances a saga until it must wait. Returns when to drive it again.
    async fn drive(&self, shared: &Arc<Shared>, saga_id: &Arc<str>, partition: u16) -> NextWake;
}

/// The parts of one engine.
pub(super) struct Shared {
    pub(super) executor: Arc<Executor>,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) leases: Arc<dyn LeaseStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) config: EngineConfig,
    pub(super) drivers: Vec<Arc<dyn Driver>>,
    pub(super) schedule: Schedule,
    pub(super) ownership: Ownership,
    pub(super) failures: Failures,
    pub(super) calls: Arc<Semaphore>,
    pub(super) stop: CancellationToken,
}

impl Shared {
    pub(super) fn driver(&self, saga_type: &str) -> Option<usize> {
        self.drivers
            .iter()
            .position(|driver| driver.name() == saga_type)
    }
}
