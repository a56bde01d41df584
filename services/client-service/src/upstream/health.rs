//! Health checks of the two services.

use std::time::Duration;

use platform::health::ALL_PARTS;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::services::Services;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Command,
    Query,
}

/// The health of a service, or of one of its components.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceHealth {
    Serving,
    /// It reports that it does not serve.
    NotServing,
    Unreachable,
}

/// The results of all health checks of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceReport {
    pub ready: ServiceHealth,
    /// Whether all its components work.
    pub all_parts: ServiceHealth,
    pub database: ServiceHealth,
    /// Unreachable for the write side, which has no cache.
    pub cache: ServiceHealth,
}

impl ServiceReport {
    pub const UNREACHABLE: Self = Self {
        ready: ServiceHealth::Unreachable,
        all_parts: ServiceHealth::Unreachable,
        database: ServiceHealth::Unreachable,
        cache: ServiceHealth::Unreachable,
    };
}

impl Services {
    /// Runs all health checks of a service.
    pub(crate) async fn report_of(&self, service: Service) -> ServiceReport {
        let asked = async {
            let (ready, all_parts, database, cache) = tokio::join!(
                self.health_of(service, ""),
                self.health_of(service, ALL_PARTS),
                self.health_of(service, "database"),
                async {
                    match service {
                        Service::Command => ServiceHealth::Unreachable,
                        Service::Query => self.health_of(service, "cache").await,
                    }
                },
            );
            ServiceReport {
                ready,
                all_parts,
                database,
                cache,
            }
        };
        tokio::time::timeout(ANSWER_TIMEOUT, asked)
            .await
            .unwrap_or(ServiceReport::UNREACHABLE)
    }

    /// Checks one component of a service; `""` is the service itself.
    async fn health_of(&self, service: Service, part: &str) -> ServiceHealth {
        let channel = match service {
            Service::Command => self.channels().command.clone(),
            Service::Query => self.channels().query.clone(),
        };
        let request = Request::new(HealthCheckRequest {
            service: part.to_owned(),
        });
        match HealthClient::new(channel).check(request).await {
            Ok(answer) if answer.get_ref().status() == ServingStatus::Serving => {
                ServiceHealth::Serving
            }
            Ok(_) => ServiceHealth::NotServing,
            Err(_) => ServiceHealth::Unreachable,
        }
    }
}
