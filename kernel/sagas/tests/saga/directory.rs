//! The sagas of a process, of all types, as its operators see them.

use std::sync::Arc;
use std::time::Duration;

use event_sourcing::{
    Actor, Clock, CommandId, Context, EventStore, Executor, ExecutorConfig, Version,
};
use sagas::{EngineConfig, OperatorAction, SagaDirectory, SagaFilter, SagaOutcome, SagaStatus};
use tokio::time::sleep;

use crate::support::{Effect, Node, TestCluster, add};
use crate::trip::{Purchase, Tour};

const ALL: SagaFilter = SagaFilter {
    statuses: Vec::new(),
    saga_type: None,
    step: None,
    started_until: None,
    limit: 10,
    after: None,
};

/// A process that drives both types, and its directory.
fn process(cluster: &TestCluster) -> (Node, Arc<Executor>, SagaDirectory) {
    let node = cluster.start(EngineConfig::new("one"), |builder| {
        let builder = add::<Purchase>(builder, Arc::clone(&cluster.provider));
        add::<Tour>(builder, Arc::clone(&cluster.provider))
    });
    let store = Arc::clone(&cluster.store) as Arc<dyn EventStore>;
    let clock = Arc::clone(&cluster.clock) as Arc<dyn Clock>;
    let (executor, _tasks) = Executor::start(Arc::clone(&store), clock, ExecutorConfig::default());
    let executor = Arc::new(executor);
    let directory = SagaDirectory::new(node.engine.clone(), Arc::clone(&executor), store);
    (node, executor, directory)
}

#[tokio::test(start_paused = true)]
async fn sagas_of_all_types_are_listed_shown_and_acted_on() {
    let cluster = TestCluster::new();
    let (node, executor, directory) = process(&cluster);
    cluster.begin::<Tour>("trip-2").await;
    cluster.ended::<Tour>("trip-2").await;
    cluster.provider.set("notify", Effect::Transient);
    cluster.begin::<Purchase>("trip-1").await;
    cluster.suspended::<Purchase>("trip-1").await;
    while directory.list(&ALL).await.unwrap().sagas.len() != 1 {
        sleep(Duration::from_millis(10)).await;
    }
    let listed = directory.list(&ALL).await.unwrap().sagas.remove(0);
    assert_eq!(listed.saga_id, "trip-1");
    assert_eq!(listed.status, SagaStatus::Suspended);
    let others = SagaFilter {
        statuses: vec![SagaStatus::Running],
        ..ALL
    };
    assert!(directory.list(&others).await.unwrap().sagas.is_empty());

    let ended = directory.find("trip-2").await.unwrap().unwrap();
    assert_eq!(ended.status, SagaStatus::Completed);
    assert_eq!(directory.find("trip-3").await.unwrap(), None);
    let history = directory.history(&ended, Version(0)).await.unwrap();
    assert_eq!(history.events.len() as u64, ended.version.0);

    cluster.provider.set("notify", Effect::Good);
    let actor = Actor {
        id: "ops".to_owned(),
        reason: "it is back".to_owned(),
    };
    let action = directory.action(&listed, OperatorAction::Resume, actor);
    let id = CommandId::from_parts(cluster.clock.now(), [7; 10]);
    let context = Context::new(id, Duration::from_secs(5));
    executor.execute(&action.unwrap(), &context).await.unwrap();
    let outcome = cluster.ended::<Purchase>("trip-1").await;
    assert_eq!(outcome, SagaOutcome::Completed);
    // It holds the engine, which a stop waits for.
    drop(directory);
    node.stop().await;
}
