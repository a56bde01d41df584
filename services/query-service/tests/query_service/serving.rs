//! Health and reflection.

use contract::query::ListProjectionsRequest;
use futures::StreamExt;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::TestService;

/// The services of the contract's package `query`, and health.
fn described() -> Vec<String> {
    let contract = FileDescriptorSet::decode(contract::DESCRIPTORS).expect("the contract");
    let ours = contract
        .file
        .iter()
        .filter(|file| file.package() == "query");
    let services =
        ours.flat_map(|file| file.service.iter().map(|it| format!("query.{}", it.name())));
    let mut names: Vec<_> = services.collect();
    names.push("grpc.health.v1.Health".to_owned());
    names.sort();
    names
}

macro_rules! reflected {
    ($version:ident, $channel:expr) => {{
        use tonic_reflection::pb::$version as pb;
        let ask = pb::ServerReflectionRequest {
            host: String::new(),
            message_request: Some(pb::server_reflection_request::MessageRequest::ListServices(
                String::new(),
            )),
        };
        let mut client = pb::server_reflection_client::ServerReflectionClient::new($channel);
        let replies = client
            .server_reflection_info(futures::stream::iter([ask]))
            .await;
        let mut replies = replies.expect("a stream").into_inner();
        let reply = replies.next().await.expect("a reply").expect("well");
        match reply.message_response.expect("a message") {
            pb::server_reflection_response::MessageResponse::ListServicesResponse(list) => list
                .service
                .into_iter()
                .map(|service| service.name)
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    }};
}

#[tokio::test]
async fn the_services_are_healthy_and_reflected_in_both_versions() {
    let world = TestService::sqlite();
    let service = world.start().await;
    let channel = Endpoint::from_shared(format!("http://{}", service.address))
        .expect("an endpoint")
        .connect()
        .await
        .expect("a connection");
    let mut health = HealthClient::new(channel.clone());
    let others = ["", "database", "event_store"].map(str::to_owned);
    let services = described()
        .into_iter()
        .filter(|name| name.starts_with("query."));
    for name in services.chain(others) {
        let request = HealthCheckRequest {
            service: name.clone(),
        };
        let reply = health.check(request).await.expect(&name).into_inner();
        assert_eq!(reply.status, 1, "{name}");
    }
    let v1 = reflected!(v1, channel.clone());
    let v1alpha = reflected!(v1alpha, channel);
    for mut list in [v1, v1alpha] {
        list.sort();
        // The write side is part of the descriptors but is not listed as served.
        assert_eq!(list, described());
    }
    drop(health);
    service.stop().await;
}

/// Each read model is folded, probed, measured, and shown to operators.
#[tokio::test]
async fn all_components_of_the_service_cover_the_same_read_models() {
    let world = TestService::sqlite();
    let mut service = world.start().await;
    let request = ListProjectionsRequest {};
    let listed = service.projections.list_projections(request).await;
    let listed = listed.expect("answered").into_inner().projections;
    let mut shown: Vec<_> = listed
        .iter()
        .map(|projection| format!("projection_{}", projection.name))
        .collect();
    shown.sort();
    let report = service.running.health().report();
    let parts = report["services"].as_object().expect("parts");
    let probed: Vec<_> = parts
        .keys()
        .filter(|part| part.starts_with("projection_"))
        .collect();
    assert_eq!(shown.iter().collect::<Vec<_>>(), probed);
    service.stop().await;
}
