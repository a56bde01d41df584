//! The protocol around commands: health, reflection, metadata, limits.

use std::time::Duration;

use contract::metadata;
use contract::proto::AdminStatusParam;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::support::{Service, category, named_category, on_both_engines, position};

/// The services of the contract's package `proto`, and health.
fn described() -> Vec<String> {
    let contract = FileDescriptorSet::decode(contract::DESCRIPTORS).expect("the contract");
    let ours = contract
        .file
        .iter()
        .filter(|file| file.package() == "proto");
    let services =
        ours.flat_map(|file| file.service.iter().map(|it| format!("proto.{}", it.name())));
    let mut names: Vec<_> = services.collect();
    names.push("grpc.health.v1.Health".to_owned());
    names.sort();
    names
}

#[tokio::test]
async fn health_is_reported_for_the_process_and_each_service() {
    on_both_engines(async |service: &Service| {
        let mut health = HealthClient::new(service.channel.clone());
        let others = ["", "database"].map(str::to_owned);
        let services = described()
            .into_iter()
            .filter(|name| name.starts_with("proto."));
        for name in services.chain(others) {
            let request = HealthCheckRequest {
                service: name.clone(),
            };
            let reply = health.check(request).await.expect(&name).into_inner();
            assert_eq!(reply.status().as_str_name(), "SERVING", "{name}");
        }
        let unknown = HealthCheckRequest {
            service: "proto.Unknown".to_owned(),
        };
        let unknown = health.check(unknown).await.expect_err("unknown");
        assert_eq!(unknown.code(), Code::NotFound);
    })
    .await;
}

#[tokio::test]
async fn reflection_lists_the_services_in_both_versions() {
    on_both_engines(async |service: &Service| {
        let channel = || service.channel.clone();
        let v1 = {
            use tonic_reflection::pb::v1::ServerReflectionRequest;
            use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
            let ask = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let replies = ServerReflectionClient::new(channel())
                .server_reflection_info(futures::stream::iter([ask]))
                .await;
            let reply = replies.expect("v1").into_inner().message().await;
            match reply.expect("a reply").expect("one").message_response {
                Some(MessageResponse::ListServicesResponse(list)) => list
                    .service
                    .into_iter()
                    .map(|service| service.name)
                    .collect::<Vec<_>>(),
                other => panic!("a list, got {other:?}"),
            }
        };
        let v1alpha = {
            use tonic_reflection::pb::v1alpha::ServerReflectionRequest;
            use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::v1alpha::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::v1alpha::server_reflection_response::MessageResponse;
            let ask = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let replies = ServerReflectionClient::new(channel())
                .server_reflection_info(futures::stream::iter([ask]))
                .await;
            let reply = replies.expect("v1alpha").into_inner().message().await;
            match reply.expect("a reply").expect("one").message_response {
                Some(MessageResponse::ListServicesResponse(list)) => list
                    .service
                    .into_iter()
                    .map(|service| service.name)
                    .collect::<Vec<_>>(),
                other => panic!("a list, got {other:?}"),
            }
        };
        for mut list in [v1, v1alpha] {
            list.sort();
            // The read side is part of the descriptors but is not listed as served.
            assert_eq!(list, described());
        }
    })
    .await;
}

#[tokio::test]
async fn malformed_metadata_is_rejected_and_named() {
    on_both_engines(async |service: &Service| {
        let cases = [
            (metadata::COMMAND_ID, ""),
            (metadata::COMMAND_ID, "not-a-uuid"),
            (metadata::COMMAND_ID, "0198c2a5-0000-7000-8000-00000000000"),
            (metadata::USER_ID, "%zz"),
            (metadata::CORRELATION_ID, ""),
        ];
        for (key, value) in cases {
            let mut request = Request::new(named_category("Never"));
            metadata::insert(request.metadata_mut(), key, value);
            let rejected = service.categories.clone().create(request).await;
            let rejected = rejected.expect_err(key);
            assert_eq!(rejected.code(), Code::InvalidArgument);
            assert!(rejected.message().contains(key), "{}", rejected.message());
        }
        assert_eq!(service.head().await, 0);
    })
    .await;
}

#[tokio::test]
async fn each_reply_has_the_log_position_that_it_reflects() {
    on_both_engines(async |service: &Service| {
        let mut categories = service.categories.clone();
        let created = categories
            .create(named_category("Here"))
            .await
            .expect("a reply");
        assert_eq!(position(&created), Some(2));
        let id = category(Ok(created)).expect("created").id;
        let unchanged = categories
            .update(crate::support::category_change(&id))
            .await;
        assert_eq!(position(&unchanged.expect("a reply")), Some(2));
        let rejected = categories
            .create(named_category("Here"))
            .await
            .expect("a reply");
        assert_eq!(position(&rejected), Some(2));
        // Nothing was decided on: the name is invalid whatever the log has.
        let invalid = categories.create(named_category("")).await;
        assert_eq!(position(&invalid.expect("a reply")), None);
    })
    .await;
}

#[tokio::test]
async fn an_impossible_deadline_is_exceeded_without_harm() {
    on_both_engines(async |service: &Service| {
        let mut request = Request::new(AdminStatusParam {});
        request.set_timeout(Duration::from_nanos(1));
        let late = service
            .admin
            .clone()
            .status(request)
            .await
            .expect_err("late");
        // The test's client has its own timer, which returns CANCELLED.
        let codes = [Code::DeadlineExceeded, Code::Cancelled];
        assert!(codes.contains(&late.code()), "{late:?}");
        service.category("Still there").await;
    })
    .await;
}
