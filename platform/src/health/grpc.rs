//! `grpc.health.v1.Health`, straight from the registry.
//!
//! The empty service name and the names of the gRPC services stand for the whole process; the name of a part,
//! such as `database`, stands for that part, so that the gateway can tell in its own `/health` what is down.

use std::pin::Pin;

use futures::Stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health as HealthRpc, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::Health;

/// Answers health checks.
#[derive(Clone, Debug)]
pub struct HealthService {
    health: Health,
    services: &'static [&'static str],
}

/// The health service of a process that serves `services`, which are full gRPC names.
#[must_use]
pub fn grpc_service(
    health: Health,
    services: &'static [&'static str],
) -> HealthServer<HealthService> {
    HealthServer::new(HealthService { health, services })
}

impl HealthService {
    fn status_of(&self, service: &str) -> Option<ServingStatus> {
        let up = if service.is_empty() || self.services.contains(&service) {
            self.health.is_up()
        } else {
            self.health.state_of(service)?.up
        };
        Some(if up {
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
                    changes.changed().await.ok()?;
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

    use super::{Health, HealthService};

    fn ask(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest {
            service: service.to_owned(),
        })
    }

    #[tokio::test]
    async fn the_process_and_each_part_can_be_asked_and_watched() {
        let health = Health::new("1");
        let part = health.part("database");
        let service = HealthService {
            health,
            services: &["shop.Api"],
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
        for name in ["", "shop.Api", "database"] {
            let reply = service.check(ask(name)).await.expect("known");
            assert_eq!(reply.into_inner().status, 1, "{name}");
        }
        let unknown = service.check(ask("else")).await.expect_err("unknown");
        assert_eq!(unknown.code(), tonic::Code::NotFound);
    }
}
