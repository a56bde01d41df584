//! `grpc.health.v1.Health`, backed by the registry.
//!
//! The empty service name and the names of the gRPC services report readiness. `health` reports whether all components
//! are up, and the name of a component, such as `database`, whether that one is, so that the gateway can include it in
//! its own `/health`.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::Health;

/// The service name that reports whether all components are up, as `/health` does.
pub const ALL_PARTS: &str = "health";

#[derive(Clone, Debug)]
pub struct HealthService {
    health: Health,
    services: Arc<[&'static str]>,
}

/// The health service of a process that serves `services`, which are full gRPC names.
#[must_use]
pub fn grpc_service(
    health: Health,
    services: impl Into<Arc<[&'static str]>>,
) -> HealthServer<HealthService> {
    let services = services.into();
    HealthServer::new(HealthService { health, services })
}

impl HealthService {
    fn status_of(&self, service: &str) -> Option<ServingStatus> {
        let is_well = if service.is_empty() || self.services.contains(&service) {
            self.health.is_ready()
        } else if service == ALL_PARTS {
            self.health.is_up()
        } else {
            self.health.state_of(service)?.up
        };
        Some(if is_well {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        })
    }
}

#[tonic::async_trait]
impl HealthRpc for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        match self.status_of(&request.into_inner().service) {
            Some(status) => Ok(Response::new(reply(status))),
            None => Err(Status::not_found("no such service")),
        }
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let this = self.clone();
        let service = request.into_inner().service;
        let changes = this.health.changes();
        let first = (changes, None);
        let stream = futures::stream::unfold(first, move |(mut changes, last)| {
            let this = this.clone();
            let service = service.clone();
            async move {
                loop {
                    changes.mark_unchanged();
                    let now = this
                        .status_of(&service)
                        .unwrap_or(ServingStatus::ServiceUnknown);
                    if last != Some(now) {
                        return Some((Ok(reply(now)), (changes, Some(now))));
                    }
                    if this.health.is_draining() {
                        return None;
                    }
                    tokio::select! {
                        seen = changes.changed() => seen.ok()?,
                        () = this.health.draining() => {}
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(stream)))
    }
}

fn reply(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_server::Health as _;

    use super::{ALL_PARTS, Health, HealthService};
    use crate::health::ComponentState;
    use crate::runtime::Tasks;

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    #[tokio::test]
    async fn readiness_and_each_component_can_be_checked_and_watched() {
        let tasks = Tasks::new();
        let health = Health::new("1", &tasks);
        let part = health.component("database");
        let service = HealthService {
            health,
            services: ["shop.Api"].into(),
        };
        let mut watch = service
            .watch(ask("shop.Api"))
            .await
            .expect("a stream")
            .into_inner();
        let next = watch
            .next()
            .await
            .expect("a first answer")
            .expect("an answer");
        assert_eq!(next.status, 2);
        part.up("connected");
        let next = watch.next().await.expect("a change").expect("an answer");
        assert_eq!(next.status, 1);
        let status = async |name| {
            let reply = service.check(ask(name)).await.expect("known");
            reply.into_inner().status
        };
        for name in ["", "shop.Api", ALL_PARTS, "database"] {
            assert_eq!(status(name).await, 1, "{name}");
        }
        // Impaired components do not affect readiness.
        part.set(&ComponentState::impaired("lagging"));
        for (name, expected) in [("", 1), ("shop.Api", 1), (ALL_PARTS, 2), ("database", 2)] {
            assert_eq!(status(name).await, expected, "{name}");
        }
        part.up("connected");
        tasks.stop();
        let next = watch.next().await.expect("a change").expect("an answer");
        assert_eq!(next.status, 2);
        assert!(watch.next().await.is_none());
        for (name, expected) in [("", 2), ("shop.Api", 2), ("database", 1)] {
            assert_eq!(status(name).await, expected, "{name}");
        }
        let unknown = service.check(ask("else")).await.expect_err("unknown");
        assert_eq!(unknown.code(), tonic::Code::NotFound);
    }
}
