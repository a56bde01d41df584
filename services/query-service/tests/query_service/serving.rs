//! Health and reflection.

use futures::StreamExt;
use query_service::grpc::SERVICES;
use tonic::transport::Endpoint;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::World;

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
async fn the_services_are_healthy_and_can_be_reflected_in_both_versions() {
    let world = World::sqlite();
    let service = world.start().await;
    let channel = Endpoint::from_shared(format!("http://{}", service.address))
        .expect("an endpoint")
        .connect()
        .await
        .expect("a connection");
    let mut health = HealthClient::new(channel.clone());
    for name in SERVICES
        .iter()
        .copied()
        .chain(["", "database", "event_store"])
    {
        let request = HealthCheckRequest {
            service: name.to_owned(),
        };
        let reply = health.check(request).await.expect("known").into_inner();
        assert_eq!(reply.status, 1, "{name}");
    }
    let v1 = reflected!(v1, channel.clone());
    let v1alpha = reflected!(v1alpha, channel);
    for name in SERVICES.iter().copied().chain(["grpc.health.v1.Health"]) {
        assert!(v1.iter().any(|known| known == name), "{name} in {v1:?}");
        assert!(
            v1alpha.iter().any(|known| known == name),
            "{name} in {v1alpha:?}"
        );
    }
    drop(health);
    service.stop().await;
}
